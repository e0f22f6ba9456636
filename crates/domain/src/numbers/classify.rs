//! Stage 3: which numbers are of a class, by their positions from 0: `{"prime":[0,3],"square":[1]}`. A class that is empty is
//! left out. `unknown` are numbers that were too large to tell whether they are prime, perfect or a square.
//!
//! Negative numbers are of no class. Every perfect number that is known, and every one below 10^1500, is even, and an even one
//! is 2^(p-1) * (2^p - 1) with a prime in brackets (Euclid and Euler), which its factors show.

use num_bigint::BigUint;

use super::factorise::{FACTOR_DIGITS, UNFACTORED};
use super::factors::Factors;
use super::message::quoted;
use super::{Fault, Message};

/// The classes, in the order in which they stand.
const CLASSES: [&str; 6] = ["zero", "unit", "prime", "perfect", "square", "unknown"];

/// The field `classes`.
///
/// # Errors
/// Rules `numbers`, `count`; `factors` when the field is missing or not one text a number.
pub fn run(message: &Message<'_>) -> Result<String, Fault> {
    let numbers = message.numbers()?;
    let factors = Factors::read(message, numbers.len())?;
    let mut positions: [Vec<usize>; CLASSES.len()] = Default::default();
    for (position, (number, factors)) in numbers.iter().zip(factors.texts()).enumerate() {
        let found = classes(number, factors)
            .map_err(|reason| Fault::new("factors", format!("the factors of number {position} are {reason}")))?;
        for (list, _) in positions.iter_mut().zip(CLASSES).filter(|(_, class)| found.contains(&Some(*class))) {
            list.push(position);
        }
    }
    Ok(json(&positions))
}

fn json(positions: &[Vec<usize>]) -> String {
    let mut json = String::from("{");
    for (list, class) in positions.iter().zip(CLASSES).filter(|(list, _)| !list.is_empty()) {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&format!("\"{class}\":["));
        for (at, position) in list.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            json.push_str(&position.to_string());
        }
        json.push(']');
    }
    json.push('}');
    json
}

/// No number is of more than two.
fn classes(number: &str, factors: &str) -> Result<[Option<&'static str>; 2], String> {
    Ok(match number {
        "0" => [Some("zero"), Some("square")],
        "1" => [Some("unit"), Some("square")],
        negative if negative.starts_with('-') => [None, None],
        _ if factors == UNFACTORED => [unfactored(number), None],
        prime if factors == prime => [Some("prime"), None],
        _ => {
            let powers = powers(factors)?;
            let square = powers.iter().all(|(_, exponent)| exponent % 2 == 0);
            [square.then_some("square"), is_perfect(&powers).then_some("perfect")]
        }
    })
}

/// A square is neither prime nor perfect: an even perfect number has a prime once, and the divisors of an odd square add up to an
/// odd number, not to twice the square.
fn unfactored(number: &str) -> Option<&'static str> {
    if number.len() > FACTOR_DIGITS {
        return Some("unknown");
    }
    let number: BigUint = number.parse().ok()?;
    let root = number.sqrt();
    Some(if &root * &root == number { "square" } else { "unknown" })
}

/// `2^2*3` as its powers.
fn powers(factors: &str) -> Result<Vec<(&str, u32)>, String> {
    let power = |text| {
        let (base, exponent): (&str, &str) = str::split_once(text, '^').unwrap_or((text, "1"));
        let digits = !base.is_empty() && base.bytes().all(|byte| byte.is_ascii_digit());
        let exponent = exponent.parse().ok().filter(|exponent| digits && *exponent > 0)?;
        Some((base, exponent))
    };
    let powers: Option<Vec<_>> = factors.split('*').map(power).collect();
    powers.ok_or_else(|| format!("{:?}, expected powers such as 2^2*3", quoted(factors)))
}

fn is_perfect(powers: &[(&str, u32)]) -> bool {
    let [("2", exponent), (mersenne, 1)] = powers else { return false };
    let Some(power) = 1_u128.checked_shl(exponent + 1).filter(|_| *exponent < 126) else { return false };
    mersenne.parse::<u128>().is_ok_and(|mersenne| mersenne == power - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::factorise;
    use super::*;

    fn of(numbers: &str) -> String {
        let value = format!("{{\"numbers\":{numbers}}}");
        let message = Message::parse(value.as_bytes(), usize::MAX).unwrap();
        let factored = message.with("factors", &factorise::run(&message).unwrap());
        run(&Message::parse(factored.as_bytes(), usize::MAX).unwrap()).unwrap()
    }

    #[test]
    fn each_class_is_found() {
        assert_eq!(
            of("[0,1,2,4,6,28,-7,-4,12,8128,2305843008139952128]"),
            r#"{"zero":[0],"unit":[1],"prime":[2],"perfect":[4,5,9,10],"square":[0,1,3]}"#
        );
        assert_eq!(of("[]"), "{}");
        // The largest prime below 2^64, its square, and the product of it with its predecessor.
        assert_eq!(
            of(
                "[18446744073709551557,340282366920938461286658806734041124249,340282366920938460843936948965011886881]"
            ),
            r#"{"prime":[0],"square":[1],"unknown":[2]}"#
        );
    }

    #[test]
    fn factors_that_are_none_are_told() {
        for factors in ["[1]", "\"2\"", "[\"2\",\"3\"]", "[\"2^x\"]", "[\"2**3\"]", "[\"\"]", "[\"2^0\"]"] {
            let value = format!(r#"{{"numbers":[12],"factors":{factors}}}"#);
            let fault = run(&Message::parse(value.as_bytes(), usize::MAX).unwrap()).unwrap_err();
            assert_eq!(fault.rule, "factors", "{factors}: {}", fault.reason);
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definitions(number in 2_u32..60_000) {
            let divisors: Vec<u32> = (1..number).filter(|divisor| number % divisor == 0).collect();
            let root = number.isqrt();
            let json = of(&format!("[{number}]"));
            prop_assert_eq!(json.contains("prime"), divisors.len() == 1);
            prop_assert_eq!(json.contains("perfect"), divisors.iter().sum::<u32>() == number);
            prop_assert_eq!(json.contains("square"), root * root == number);
            prop_assert!(!json.contains("unknown"));
        }

        #[test]
        fn a_square_of_any_size_is_one(root in "[1-9][0-9]{0,60}") {
            let root: BigUint = root.parse().unwrap();
            let square = (&root * &root).to_string();
            let found = of(&format!("[{square}]"));
            prop_assert!(found.contains("square"));
        }
    }
}
