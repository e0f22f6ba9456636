//! EventBridge's six cron fields, written as the `croner` crate reads them: it has no `3/5`, no range over the end, and
//! seconds in front.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

/// Reads the six fields.
///
/// # Errors
/// What EventBridge refuses too.
pub(super) fn parse(body: &str) -> Result<Cron, String> {
    let fields: Vec<&str> = body.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields.as_slice() else {
        return Err(format!("cron takes 6 fields, found {}", fields.len()));
    };
    match (*day == "?", *weekday == "?") {
        (true, true) => return Err("day-of-month and day-of-week cannot both be ?".to_owned()),
        (false, false) => return Err("one of day-of-month and day-of-week must be ?".to_owned()),
        _ => {}
    }
    if minutes.contains('?') || hours.contains('?') || month.contains('?') || year.contains('?') {
        return Err("? is accepted for day-of-month and day-of-week only".to_owned());
    }
    if [minutes, hours, day, month, weekday, year].into_iter().any(|field| field.contains(['+', '@'])) {
        return Err("+ and @ are not accepted".to_owned());
    }
    let years = year.split([',', '-', '/']).filter_map(|part| part.parse::<u32>().ok());
    // The part after a / is a step, and may be small.
    let steps = year.contains('/');
    if let Some(year) = years.filter(|_| !steps).find(|year| !(1970..=2199).contains(year)) {
        return Err(format!("year {year} is not within 1970 to 2199"));
    }
    let (month, weekday) = (numbered(month, &MONTHS), numbered(weekday, &WEEKDAYS));
    // L alone is the last day of the week: Saturday.
    let weekday = if weekday == "L" { "7".to_owned() } else { weekday };
    let pattern = [
        "0".to_owned(),
        ranges(minutes, 0, 59)?,
        ranges(hours, 0, 23)?,
        ranges(day, 1, 31)?,
        ranges(&month, 1, 12)?,
        ranges(&weekday, 1, 7)?,
        ranges(year, 1970, 2199)?,
    ]
    .join(" ");
    let parser =
        CronParser::builder().seconds(Seconds::Required).year(Year::Required).alternative_weekdays(true).build();
    parser.parse(&pattern).map_err(|error| error.to_string())
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Names become numbers, from 1.
fn numbered(field: &str, names: &[&str]) -> String {
    let upper = field.to_ascii_uppercase();
    names.iter().zip(1..).fold(upper, |text, (name, number)| text.replace(name, &number.to_string()))
}

/// Writes out what the parser below does not read: `/5` and `3/5` (from the first, or from 3 on), and ranges that go
/// over the end (`20-2` hours).
fn ranges(field: &str, least: u32, greatest: u32) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let bounds = match (range, range.split_once('-')) {
            ("" | "*", _) if step.is_some() => Some((least, greatest)),
            (_, Some((from, to))) => from.parse().ok().zip(to.parse().ok()),
            (_, None) if step.is_some() => range.parse().ok().map(|from| (from, greatest)),
            _ => None,
        };
        let Some((from, to)) = bounds else {
            // A number, *, ?, L, 15W, 6#3: as it is.
            parts.push(part.to_owned());
            continue;
        };
        let step = step.unwrap_or("1").parse::<u32>().ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| format!("{part} has a step that is no positive number"))?;
        if [from, to].iter().any(|bound| !(least..=greatest).contains(bound)) {
            return Err(format!("{part} is not within {least} to {greatest}"));
        }
        let count = greatest - least + 1;
        let length = (to + count - from) % count;
        let values = (0..=length).step_by(step as usize).map(|at| (from - least + at) % count + least);
        parts.push(values.map(|value| value.to_string()).collect::<Vec<_>>().join(","));
    }
    Ok(parts.join(","))
}
