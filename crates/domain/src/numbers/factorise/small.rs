//! Numbers of 64 bits: small primes, a proven test for primes, and Pollard's rho as Brent improved it.

use super::{Found, SMALL_PRIMES, Steps};

/// Below it, what no small prime divides is prime.
const TRIED: u64 = 257 * 257;

/// How many differences are multiplied before their common divisor is asked for.
const TOGETHER: u64 = 64;

/// The factors of a number above 1; `None` when the steps do not suffice.
pub(super) fn factors(number: u64, steps: &mut Steps) -> Option<Found> {
    let mut found = Found::default();
    let mut left = number;
    for prime in SMALL_PRIMES {
        if prime * prime > left {
            break;
        }
        let mut exponent = 0;
        while left.is_multiple_of(prime) {
            left /= prime;
            exponent += 1;
        }
        if exponent > 0 {
            found.small.push((prime, exponent));
        }
    }
    steps.take(SMALL_PRIMES.len() as u64)?;
    split(left, steps, &mut found.small)?;
    Some(found)
}

/// The factors of what no small prime divides, unless it is one itself.
pub(super) fn split(number: u64, steps: &mut Steps, found: &mut Vec<(u64, u32)>) -> Option<()> {
    if number == 1 {
        return Some(());
    }
    if number < TRIED || is_prime(number, steps)? {
        match found.iter_mut().find(|(prime, _)| *prime == number) {
            Some((_, exponent)) => *exponent += 1,
            None => found.push((number, 1)),
        }
        return Some(());
    }
    let divisor = divisor(number, steps)?;
    split(divisor, steps, found)?;
    split(number / divisor, steps, found)
}

/// Arithmetic modulo an odd number, in Montgomery's form: no division.
#[derive(Clone, Copy)]
struct Modulus {
    n: u64,
    /// -1/n modulo 2^64.
    inverse: u64,
    /// 2^64 modulo n: the form of 1.
    one: u64,
    /// 2^128 modulo n.
    square: u64,
}

impl Modulus {
    fn new(n: u64) -> Self {
        // Each round doubles the bits that are right.
        let inverse = (0..6).fold(n, |x, _| x.wrapping_mul(2_u64.wrapping_sub(n.wrapping_mul(x))));
        let one = (u64::MAX % n + 1) % n;
        let square = low(u128::from(one) * u128::from(one) % u128::from(n));
        Self { n, inverse: inverse.wrapping_neg(), one, square }
    }

    fn reduce(&self, value: u128) -> u64 {
        let factor = low(value).wrapping_mul(self.inverse);
        let (sum, carry) = value.overflowing_add(u128::from(factor) * u128::from(self.n));
        let high = low(sum >> 64);
        if carry || high >= self.n { high.wrapping_sub(self.n) } else { high }
    }

    fn multiply(&self, one: u64, other: u64) -> u64 {
        self.reduce(u128::from(one) * u128::from(other))
    }

    fn form(&self, value: u64) -> u64 {
        self.multiply(value % self.n, self.square)
    }

    fn add(&self, one: u64, other: u64) -> u64 {
        let (sum, carry) = one.overflowing_add(other);
        if carry || sum >= self.n { sum.wrapping_sub(self.n) } else { sum }
    }

    fn power(&self, base: u64, mut exponent: u64) -> u64 {
        let (mut base, mut result) = (base, self.one);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, base);
            }
            base = self.multiply(base, base);
            exponent >>= 1;
        }
        result
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn low(value: u128) -> u64 {
    value as u64
}

/// Whether an odd number is prime: the test of Miller and Rabin with bases that are proven to suffice for its size (Jaeschke for
/// 32 bits, Sinclair for 64).
fn is_prime(number: u64, steps: &mut Steps) -> Option<bool> {
    const OF_32_BITS: [u64; 3] = [2, 7, 61];
    const OF_64_BITS: [u64; 7] = [2, 325, 9_375, 28_178, 450_775, 9_780_504, 1_795_265_022];
    let modulus = Modulus::new(number);
    let bases: &[u64] = if u32::try_from(number).is_ok() { &OF_32_BITS } else { &OF_64_BITS };
    let twos = (number - 1).trailing_zeros();
    for base in bases {
        steps.take(u64::from(64 - number.leading_zeros()) * 2)?;
        let base = modulus.form(*base);
        if base != 0 && !passes(&modulus, base, twos) {
            return Some(false);
        }
    }
    Some(true)
}

fn passes(modulus: &Modulus, base: u64, twos: u32) -> bool {
    let minus_one = modulus.n - modulus.one;
    let mut power = modulus.power(base, (modulus.n - 1) >> twos);
    if power == modulus.one || power == minus_one {
        return true;
    }
    for _ in 1..twos {
        power = modulus.multiply(power, power);
        if power == minus_one {
            return true;
        }
    }
    false
}

/// A divisor of an odd number that is not prime.
fn divisor(number: u64, steps: &mut Steps) -> Option<u64> {
    let modulus = Modulus::new(number);
    for constant in 1.. {
        let divisor = rho(&modulus, modulus.form(constant), steps)?;
        if divisor != number {
            return Some(divisor);
        }
    }
    None
}

/// Walks x -> x² + c until two places differ by a multiple of a divisor. The number itself when both its divisors came at once.
fn rho(modulus: &Modulus, constant: u64, steps: &mut Steps) -> Option<u64> {
    let next = |x: u64| modulus.add(modulus.multiply(x, x), constant);
    let apart = |one: u64, other: u64| one.abs_diff(other);
    let (mut walker, mut length) = (modulus.form(2), 1_u64);
    loop {
        let anchor = walker;
        for _ in 0..length {
            walker = next(walker);
        }
        steps.take(length)?;
        let mut done = 0;
        while done < length {
            let (before, count) = (walker, TOGETHER.min(length - done));
            let mut product = modulus.one;
            for _ in 0..count {
                walker = next(walker);
                product = modulus.multiply(product, apart(anchor, walker));
            }
            steps.take(2 * count)?;
            done += count;
            let divisor = common(product, modulus.n);
            if divisor == 1 {
                continue;
            }
            // Several divisors may have come together: one by one.
            let mut walker = before;
            loop {
                walker = next(walker);
                steps.take(TOGETHER)?;
                let divisor = common(apart(anchor, walker), modulus.n);
                if divisor > 1 {
                    return Some(divisor);
                }
            }
        }
        length *= 2;
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
fn common(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}
