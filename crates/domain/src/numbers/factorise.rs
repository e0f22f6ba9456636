//! Stage 2: the prime factors of each number's absolute value: `"2^2*3"` for 12 and for -12, `"0"`, `"1"`.
//!
//! The work is limited in steps, not in time, so that the same message always gives the same. What is over the limit is
//! `"unfactored"`: numbers of more than [`FACTOR_DIGITS`] digits; those that have, beside primes below 256, a divisor of more than
//! 64 bits that is not known to be prime; and whatever the steps of a message do not suffice for. No prime is taken for one by
//! chance: the tests that are used are proven for the sizes that they are used for.

mod large;
mod small;

use std::fmt::Write;

use num_bigint::BigUint;

use super::{Fault, Message};

/// Numbers with more digits are not factorised.
pub const FACTOR_DIGITS: usize = 1_000;

/// In place of the factors that are not known.
pub const UNFACTORED: &str = "unfactored";

/// Steps for all numbers of a message; one is some nanoseconds.
const MESSAGE_STEPS: u64 = 40_000_000;

/// Steps for one number. A product of two primes of 32 bits takes some 100,000.
const NUMBER_STEPS: u64 = 2_000_000;

/// The primes that each number is divided by first.
const SMALL_PRIMES: [u64; 54] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239,
    241, 251,
];

/// Primes with their exponents, in no order; the last one may be larger than 64 bits.
#[derive(Debug, Default)]
struct Found {
    small: Vec<(u64, u32)>,
    large: Option<BigUint>,
}

/// What may still be done.
struct Steps(u64);

impl Steps {
    /// `None` when it is too much.
    fn take(&mut self, steps: u64) -> Option<()> {
        self.0 = self.0.checked_sub(steps)?;
        Some(())
    }
}

/// The field `factors`.
///
/// # Errors
/// Rules `numbers`, `count`.
pub fn run(message: &Message<'_>) -> Result<String, Fault> {
    let numbers = message.numbers()?;
    let mut left = MESSAGE_STEPS;
    let mut json = String::with_capacity(numbers.len() * 16 + 2);
    json.push('[');
    for (position, number) in numbers.into_iter().enumerate() {
        json.push_str(if position == 0 { "\"" } else { ",\"" });
        let mut steps = Steps(left.min(NUMBER_STEPS));
        let given = steps.0;
        factorise(number.trim_start_matches('-'), &mut steps, &mut json);
        left -= given - steps.0;
        json.push('"');
    }
    json.push(']');
    Ok(json)
}

/// Writes the factors of the number, which has no sign.
fn factorise(number: &str, steps: &mut Steps, text: &mut String) {
    let found = match number.parse::<u64>() {
        Ok(0 | 1) => {
            text.push_str(number);
            return;
        }
        Ok(number) => small::factors(number, steps),
        Err(_) if number.len() > FACTOR_DIGITS => None,
        Err(_) => large::factors(number, steps),
    };
    match found {
        Some(found) => write(found, text),
        None => text.push_str(UNFACTORED),
    }
}

fn write(mut found: Found, text: &mut String) {
    found.small.sort_unstable();
    let mut sign = "";
    for (prime, exponent) in found.small {
        // Writing to a text cannot fail.
        let _ = match exponent {
            1 => write!(text, "{sign}{prime}"),
            _ => write!(text, "{sign}{prime}^{exponent}"),
        };
        sign = "*";
    }
    if let Some(prime) = found.large {
        let _ = write!(text, "{sign}{prime}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(number: &str) -> String {
        let mut text = String::new();
        factorise(number, &mut Steps(NUMBER_STEPS), &mut text);
        text
    }

    fn product(factors: &str) -> BigUint {
        let power = |text: &str| {
            let (base, exponent) = text.split_once('^').unwrap_or((text, "1"));
            base.parse::<BigUint>().unwrap().pow(exponent.parse().unwrap())
        };
        factors.split('*').map(power).product()
    }

    #[test]
    fn known_numbers_have_their_factors() {
        for (number, expected) in [
            ("0", "0"),
            ("1", "1"),
            ("2", "2"),
            ("12", "2^2*3"),
            ("65536", "2^16"),
            ("66049", "257^2"),
            ("4294967295", "3*5*17*257*65537"),
            ("18446744073709551557", "18446744073709551557"),
            ("18446744073709551615", "3*5*17*257*641*65537*6700417"),
            // Two primes near 2^32.
            ("18446743979220271189", "4294967279*4294967291"),
            // The largest strong pseudoprime that a proof for 12 bases leaves: 399165290221 * 798330580441.
            ("318665857834031151167461", UNFACTORED),
            ("3541774862152233910272", "2^70*3"),
            // A prime of 25 digits.
            ("1000000000000000000000007", "1000000000000000000000007"),
        ] {
            assert_eq!(of(number), expected, "{number}");
        }
        assert_eq!(of(&"9".repeat(FACTOR_DIGITS + 1)), UNFACTORED);
    }

    #[test]
    fn powers_of_small_primes_are_found_however_large() {
        let power = BigUint::from(3_u32).pow(2_000).to_string();
        assert_eq!(of(&power), "3^2000");
    }

    #[test]
    fn the_steps_of_a_message_end() {
        let hard = vec!["18446743979220271189"; 2_000].join(",");
        let value = format!("{{\"numbers\":[{hard}]}}");
        let message = Message::parse(value.as_bytes(), usize::MAX).unwrap();
        let factors = run(&message).unwrap();
        assert!(factors.starts_with("[\"4294967279*4294967291\",") && factors.ends_with(",\"unfactored\"]"));
        assert_eq!(factors, run(&message).unwrap(), "the same each time");
    }

    proptest! {
        #[test]
        fn factors_are_primes_in_order_and_give_the_number(number: u64) {
            let factors = of(&number.to_string());
            prop_assert_ne!(&factors, UNFACTORED);
            prop_assert_eq!(product(&factors), BigUint::from(number));
            let primes: Vec<u64> = factors
                .split('*')
                .map(|power| power.split('^').next().unwrap().parse().unwrap())
                .collect();
            prop_assert!(primes.is_sorted_by(|one, other| one < other));
            for prime in primes.into_iter().filter(|_| number > 1) {
                prop_assert_eq!(of(&prime.to_string()), prime.to_string());
            }
        }

        #[test]
        fn small_ones_agree_with_trial_division(number in 2_u64..3_000_000) {
            let (mut left, mut expected) = (number, Vec::new());
            for divisor in 2.. {
                if divisor * divisor > left {
                    break;
                }
                while left % divisor == 0 {
                    expected.push(divisor);
                    left /= divisor;
                }
            }
            if left > 1 {
                expected.push(left);
            }
            let mut found = Vec::new();
            for power in of(&number.to_string()).split('*') {
                let (base, exponent) = power.split_once('^').unwrap_or((power, "1"));
                found.extend(vec![base.parse::<u64>().unwrap(); exponent.parse().unwrap()]);
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn large_ones_are_whole_or_unfactored(number in "[1-9][0-9]{20,60}") {
            let factors = of(&number);
            prop_assert!(factors == UNFACTORED || product(&factors) == number.parse().unwrap());
        }
    }
}
