//! Stage 1: each number as a plain integer. `1e3`, `5.0` and `-0` are the integers 1000, 5 and 0; `1.5` is none, and fails the
//! message. Nothing is computed: a number of 100,000 digits costs its length.

use std::borrow::Cow;

use super::message::quoted;
use super::{DIGITS, Fault, INPUT_BYTES, Message};

/// The field `numbers`.
///
/// # Errors
/// Rules `fields` (there are others than `numbers`), `numbers`, `count`, `integer`, `digits`, `size` (written out it is larger
/// than a message may be).
pub fn run(message: &Message<'_>) -> Result<String, Fault> {
    if let Some(unknown) = message.names().find(|name| *name != "numbers") {
        let reason = format!("the field {:?} is not known, expected \"numbers\" alone", quoted(unknown));
        return Err(Fault::new("fields", reason));
    }
    let elements = message.elements()?;
    let mut json = String::with_capacity(message.field("numbers")?.len());
    json.push('[');
    for (position, text) in elements.into_iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        json.push_str(&plain(text).map_err(|why| why.at(position, text))?);
        if json.len() > INPUT_BYTES {
            let reason = format!("the numbers written out are larger than {INPUT_BYTES} bytes");
            return Err(Fault::new("size", reason));
        }
    }
    json.push(']');
    Ok(json)
}

/// Why a number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    NoNumber,
    NoInteger,
    TooLong,
}

impl Refused {
    fn at(self, position: usize, text: &str) -> Fault {
        let found = quoted(text);
        match self {
            Self::NoNumber => Fault::new("integer", format!("number {position} is {found}, expected an integer")),
            Self::NoInteger => {
                Fault::new("integer", format!("number {position} is {found}, expected one without a fraction"))
            }
            Self::TooLong => Fault::new("digits", format!("number {position} has more than {DIGITS} digits: {found}")),
        }
    }
}

/// The integer that a JSON number is.
fn plain(text: &str) -> Result<Cow<'_, str>, Refused> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Refused::NoNumber);
    }
    // It is JSON, so what begins like a number is one.
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return match unsigned {
            "0" => Ok("0".into()),
            long if long.len() > DIGITS => Err(Refused::TooLong),
            _ => Ok(text.into()),
        };
    }
    let digits = scaled(unsigned)?;
    Ok(if negative && digits != "0" { format!("-{digits}").into() } else { digits.into() })
}

/// `1.25e2` is 125.
fn scaled(unsigned: &str) -> Result<String, Refused> {
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Ok("0".into());
    }
    let trimmed = significant.trim_end_matches('0');
    // One that does not fit is larger or smaller than anything that is allowed.
    let exponent: i64 = match exponent.parse() {
        Ok(exponent) => exponent,
        Err(_) if exponent.starts_with('-') => return Err(Refused::NoInteger),
        Err(_) => return Err(Refused::TooLong),
    };
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let zeros = length(significant) - length(trimmed) - length(fraction);
    let zeros = usize::try_from(exponent.saturating_add(zeros)).map_err(|_| Refused::NoInteger)?;
    if trimmed.len().saturating_add(zeros) > DIGITS {
        return Err(Refused::TooLong);
    }
    Ok(format!("{trimmed}{}", "0".repeat(zeros)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_an_integer_is_that_integer() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0e99999999999999999999", "0"),
            ("1e3", "1000"),
            ("-1.25E+2", "-125"),
            ("5.0", "5"),
            ("1200e-2", "12"),
            ("0.001e3", "1"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(plain(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("1.5", Refused::NoInteger),
            ("1e-1", Refused::NoInteger),
            ("1e-99999999999999999999", Refused::NoInteger),
            ("1e100000", Refused::TooLong),
            ("1e99999999999999999999", Refused::TooLong),
            ("1e9223372036854775807", Refused::TooLong),
            ("\"1\"", Refused::NoNumber),
            ("null", Refused::NoNumber),
            ("[1]", Refused::NoNumber),
            ("true", Refused::NoNumber),
        ] {
            assert_eq!(plain(text), Err(expected), "{text}");
        }
        assert_eq!(plain("1e99999").unwrap().len(), DIGITS);
    }

    proptest! {
        #[test]
        fn a_number_in_any_form_is_the_same(value: i64, zeros in 0_usize..20, fraction in 0_usize..5) {
            // The same value, its point moved to the left and back, with zeros behind it.
            let text = format!("{value}.{}", "0".repeat(fraction + 1));
            prop_assert_eq!(plain(&text).unwrap(), value.to_string());
            let moved = format!("{value}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(plain(&moved).unwrap(), value.to_string());
        }

        #[test]
        fn nothing_that_is_json_makes_it_panic(json in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,12})?") {
            if let Ok(plain) = plain(&json) {
                prop_assert!(plain.len() <= DIGITS + 1);
            }
        }
    }
}
