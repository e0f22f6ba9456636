//! Figures in few characters.

/// `0.4 ms`, `12 ms`, `1.5 s`, `2 min`.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        ms => format!("{:.0} min", ms / 60_000.0),
    }
}

/// `12`, `1,204`, `35.2k`, `1.8M`.
pub(super) fn count(count: f64) -> String {
    match count {
        count if count >= 1e6 => format!("{:.1}M", count / 1e6),
        count if count >= 1e4 => format!("{:.1}k", count / 1e3),
        count if count >= 1e3 => format!("{:.0},{:03.0}", (count / 1e3).floor(), count % 1e3),
        count => format!("{count:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_characters_tell_the_size() {
        for (ms, text) in [(0.42, "0.4 ms"), (12.3, "12 ms"), (1_500.0, "1.5 s"), (120_000.0, "2 min")] {
            assert_eq!(milliseconds(ms), text);
        }
        for (number, text) in [(0.0, "0"), (999.0, "999"), (1_204.0, "1,204"), (35_210.0, "35.2k"), (1.8e6, "1.8M")] {
            assert_eq!(count(number), text);
        }
    }
}
