//! Numbers of more than 64 bits: small primes, and what is left when that is small enough or known to be prime.

use std::sync::LazyLock;

use num_bigint::BigUint;

use super::{Found, SMALL_PRIMES, Steps, small};

/// Below it the test of Miller and Rabin with the primes up to 41 is proven (Sorenson and Webster, 2015).
static PROVEN: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(3_317_044_064_679_887_385_961_981_u128));

/// How many bases that test takes.
const BASES: usize = 13;

/// What one power of that test counts.
const POWER_STEPS: u64 = 4_000;

/// The factors of a number of more than 64 bits; `None` when they are not found.
pub(super) fn factors(number: &str, steps: &mut Steps) -> Option<Found> {
    let mut left: BigUint = number.parse().ok()?;
    let mut found = Found::default();
    let words = left.bits() / 64 + 1;
    // What parsing it has cost, and the remainders.
    steps.take(words * words + words * SMALL_PRIMES.len() as u64)?;
    for prime in SMALL_PRIMES {
        let mut exponent = 0;
        while (&left % prime) == BigUint::ZERO {
            left /= prime;
            exponent += 1;
            steps.take(2 * words)?;
        }
        if exponent > 0 {
            found.small.push((prime, exponent));
        }
    }
    match u64::try_from(&left) {
        Ok(left) => small::split(left, steps, &mut found.small)?,
        Err(_) if left < *PROVEN && is_prime(&left, steps)? => found.large = Some(left),
        Err(_) => return None,
    }
    Some(found)
}

fn is_prime(number: &BigUint, steps: &mut Steps) -> Option<bool> {
    let one = BigUint::from(1_u32);
    let minus_one = number - &one;
    let twos = minus_one.trailing_zeros()?;
    let odd = &minus_one >> twos;
    for base in SMALL_PRIMES.into_iter().take(BASES) {
        steps.take(POWER_STEPS)?;
        let mut power = BigUint::from(base).modpow(&odd, number);
        let mut passes = power == one || power == minus_one;
        for _ in 1..twos {
            power = &power * &power % number;
            passes |= power == minus_one;
        }
        if !passes {
            return Some(false);
        }
    }
    Some(true)
}
