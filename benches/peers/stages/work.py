"""What each of the five stages makes of a message: one field more. Plain Python, for numbers of up to 32 bits."""

import functools, hashlib, json, math, statistics
from fractions import Fraction

PRIMES = [n for n in range(2, 1 << 16) if all(n % d for d in range(2, math.isqrt(n) + 1))]


@functools.lru_cache(100_000)
def factors(number):
    """`2^2*3`, by trial division."""
    found, rest = [], number
    for prime in PRIMES:
        if prime * prime > rest:
            break
        power = 0
        while rest % prime == 0:
            rest, power = rest // prime, power + 1
        if power:
            found.append(f"{prime}^{power}" if power > 1 else str(prime))
    return "*".join(found + [str(rest)] * (rest > 1)) or str(number)


def validate(message):
    if not all(isinstance(number, int) for number in message["numbers"]):
        raise ValueError(f"numbers: expected integers: {message['numbers']}")
    return "numbers", message["numbers"]


def factorise(message):
    return "factors", [factors(number) for number in message["numbers"]]


def classify(message):
    classes = {}
    for position, (number, text) in enumerate(zip(message["numbers"], message["factors"])):
        if number > 1 and text == str(number):
            classes.setdefault("prime", []).append(position)
        if math.isqrt(number) ** 2 == number:
            classes.setdefault("square", []).append(position)
    return "classes", classes


def summarise(message):
    numbers = message["numbers"]
    return "summary", {"count": len(numbers), "sum": sum(numbers), "min": min(numbers), "max": max(numbers),
                       "mean": str(Fraction(sum(numbers), len(numbers))), "median": str(Fraction(statistics.median(numbers)))}


def digest(message):
    return "digest", hashlib.sha256(json.dumps(message).encode()).hexdigest()


STAGES = [validate, factorise, classify, summarise, digest]
