//! Where a page ended, as text that the next request shows.

use chrono::{DateTime, Utc};
use kit::http::Problem;
use uuid::Uuid;

/// The end of the year 9999, in microseconds.
const LAST: i64 = 253_402_300_799_999_999;

/// A place in the order by time, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: DateTime<Utc>,
    pub(crate) id: Uuid,
}

impl Place {
    /// `<microseconds since the epoch>-<id>`.
    pub(crate) fn text(self) -> String {
        format!("{}-{}", self.at.timestamp_micros(), self.id.simple())
    }

    /// Reads what [`Place::text`] wrote; 400 names the parameter `name`.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, Problem> {
        let read = || {
            let (micros, id) = text.rsplit_once('-')?;
            let micros = micros.parse().ok().filter(|micros| (0..=LAST).contains(micros))?;
            let at = DateTime::from_timestamp_micros(micros)?;
            let place = Self { at, id: Uuid::try_parse(id).ok()? };
            // One text for one place.
            (place.text() == text).then_some(place)
        };
        read().ok_or_else(|| Problem::bad_parameter(name, "is no place", "`next` of an earlier answer, unchanged"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_read_as_it_was_written(micros in 0..=LAST, id: u128) {
            let place = Place { at: DateTime::from_timestamp_micros(micros).unwrap(), id: Uuid::from_u128(id) };
            prop_assert_eq!(Place::read("after", &place.text()).unwrap(), place);
        }

        #[test]
        fn a_time_that_no_message_has_is_refused(micros in (LAST + 1)..8_000_000_000_000_000_000, id: u128) {
            for micros in [micros, -micros] {
                let place = Place { at: DateTime::from_timestamp_micros(micros).unwrap(), id: Uuid::from_u128(id) };
                prop_assert!(Place::read("after", &place.text()).is_err());
            }
        }

        #[test]
        fn any_other_text_is_refused(text in "\\PC{0,60}") {
            prop_assert!(Place::read("after", &text).is_err());
        }
    }
}
