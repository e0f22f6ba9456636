//! Stage 4: exact figures of the numbers: `count`, `sum`, `min`, `max`, and as texts, since JSON has no fractions, `mean` and
//! `median`: `"7/3"`, or `"2"` where they are whole. Without numbers the sum is 0 and the last four are null.
//!
//! Numbers are compared and copied as texts; only a sum is computed, so that a number of 100,000 digits costs one conversion.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::{Fault, Message};

/// Numbers with fewer digits are added in 128 bits: 100,000 of them fit.
const SHORT: usize = 19;

/// The field `summary`.
///
/// # Errors
/// Rules `numbers`, `count`.
pub fn run(message: &Message<'_>) -> Result<String, Fault> {
    let mut numbers = message.numbers()?;
    if numbers.is_empty() {
        return Ok(r#"{"count":0,"sum":0,"min":null,"max":null,"mean":null,"median":null}"#.to_owned());
    }
    let count = numbers.len();
    let sum = sum(&numbers);
    numbers.sort_unstable_by(|one, other| compare(one, other));
    let at = |position: usize| numbers.get(position).copied().unwrap_or_default();
    let median = match count % 2 {
        1 => at(count / 2).to_owned(),
        _ => fraction(integer(at(count / 2 - 1)) + integer(at(count / 2)), 2),
    };
    let (min, max) = (at(0), at(count - 1));
    let text = sum.to_string();
    let mean = fraction(sum, count as u64);
    Ok(format!(r#"{{"count":{count},"sum":{text},"min":{min},"max":{max},"mean":"{mean}","median":"{median}"}}"#))
}

fn sum(numbers: &[&str]) -> BigInt {
    let (mut short, mut long) = (0_i128, BigInt::ZERO);
    for number in numbers {
        match number.len() {
            // A number of the first stage is one.
            ..SHORT => short += i128::from(number.parse::<i64>().unwrap_or(0)),
            _ => long += integer(number),
        }
    }
    long + short
}

fn integer(number: &str) -> BigInt {
    number.parse().unwrap_or(BigInt::ZERO)
}

/// `numerator / denominator`, reduced.
fn fraction(numerator: BigInt, denominator: u64) -> String {
    let rest = u64::try_from((&numerator % denominator).magnitude()).unwrap_or(0);
    let (mut common, mut other) = (denominator, rest);
    while other > 0 {
        (common, other) = (other, common % other);
    }
    let (numerator, denominator) = (numerator / common, denominator / common);
    if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") }
}

/// By value.
fn compare(one: &str, other: &str) -> Ordering {
    let magnitude = |one: &str, other: &str| one.len().cmp(&other.len()).then_with(|| one.cmp(other));
    match (one.strip_prefix('-'), other.strip_prefix('-')) {
        (None, None) => magnitude(one, other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(one), Some(other)) => magnitude(other, one),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: &[String]) -> String {
        let value = format!("{{\"numbers\":[{}]}}", numbers.join(","));
        run(&Message::parse(value.as_bytes(), usize::MAX).unwrap()).unwrap()
    }

    #[test]
    fn the_figures_are_exact() {
        let texts = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&texts(&["3", "-1", "5"])), r#"{"count":3,"sum":7,"min":-1,"max":5,"mean":"7/3","median":"3"}"#);
        assert_eq!(
            of(&texts(&["-10", "-3"])),
            r#"{"count":2,"sum":-13,"min":-10,"max":-3,"mean":"-13/2","median":"-13/2"}"#
        );
        assert!(of(&[]).contains(r#""sum":0,"min":null"#));
        let large = "9".repeat(50);
        assert!(of(&[large.clone(), "1".into()]).contains(&format!("\"sum\":1{}", "0".repeat(50))));
    }

    proptest! {
        #[test]
        fn they_agree_with_128_bits(numbers in proptest::collection::vec(any::<i64>(), 1..40)) {
            let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let found: serde_json::Value = serde_json::from_str(&of(&texts)).unwrap();
            let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            let expected = format!("\"sum\":{sum},\"min\":{}", numbers.iter().min().unwrap());
            prop_assert!(of(&texts).contains(&expected));
            let mean = found["mean"].as_str().unwrap();
            let (numerator, denominator) = mean.split_once('/').unwrap_or((mean, "1"));
            let (numerator, denominator): (i128, i128) = (numerator.parse().unwrap(), denominator.parse().unwrap());
            prop_assert_eq!(numerator * numbers.len() as i128, sum * denominator);
        }

        #[test]
        fn texts_are_ordered_as_their_values(one in "-?[1-9][0-9]{0,30}|0", other in "-?[1-9][0-9]{0,30}|0") {
            prop_assert_eq!(compare(&one, &other), integer(&one).cmp(&integer(&other)));
        }
    }
}
