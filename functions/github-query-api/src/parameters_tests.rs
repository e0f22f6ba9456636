//! Parameters as they come in a URL.

use proptest::prelude::*;

use super::*;
use crate::cursor::Walk;

fn problem(query: &str) -> serde_json::Value {
    serde_json::to_value(Parameters::parse(Some(query)).unwrap_err()).unwrap()
}

#[test]
fn defaults_and_values() {
    let expected = Parameters { filters: Filters::default(), page_size: 100, cursor: None, explain: false };
    assert_eq!(Parameters::parse(None).unwrap(), expected);
    let query = "hours_back=1&event_type=PushEvent&page_size=10&repo=rust-lang/rust&actor=dependabot[bot]&explain=true";
    let filters = Filters {
        hours_back: Some(1),
        event_type: Some("PushEvent".to_owned()),
        repo: Some("rust-lang/rust".to_owned()),
        actor: Some("dependabot[bot]".to_owned()),
        ..Filters::default()
    };
    let expected = Parameters { filters, page_size: 10, cursor: None, explain: true };
    assert_eq!(Parameters::parse(Some(query)).unwrap(), expected);
}

#[test]
fn each_fault_names_its_parameter() {
    for (query, name) in [
        ("hours_back=0", "hours_back"),
        ("hours_back=soon", "hours_back"),
        ("page_size=1001", "page_size"),
        ("page_size=-1", "page_size"),
        ("event_type=", "event_type"),
        ("event_type=a%20b", "event_type"),
        ("repo=rust", "repo"),
        ("repo=a/b/c", "repo"),
        ("actor=%00", "actor"),
        ("org=", "org"),
        ("since=yesterday", "since"),
        ("since=2026-11-21T08:00:00", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
        ("since=2026-11-21T08:00:00Z&until=2026-11-21T09:00:00%2B01:00", "until"),
        ("since=2026-11-21T08:00:00Z&hours_back=3", "since"),
        ("cursor=x", "cursor"),
        ("explain=yes", "explain"),
        ("limit=5", "limit"),
        ("page_size=1&page_size=2", "page_size"),
    ] {
        let problem = problem(query);
        assert_eq!((&problem["parameter"], &problem["status"]), (&name.into(), &400.into()), "{query}");
    }
}

#[test]
fn a_window_ends_now_or_where_it_was_asked_to() {
    let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
    let window = |query| Parameters::parse(Some(query)).unwrap().filters.window(now);
    assert_eq!(window("hours_back=1"), (996_400_000_000, i64::MAX));
    assert_eq!(window("since=1970-01-02T00:00:00Z"), (86_400_000_000, i64::MAX));
    assert_eq!(window("until=1970-01-02T00:00:00Z&hours_back=2"), (79_200_000_000, 86_400_000_000));
    let moving = |query| Parameters::parse(Some(query)).unwrap().filters.moving();
    assert_eq!((moving("hours_back=2"), moving("until=1970-01-02T00:00:00Z")), (Some(2 * HOUR), None));
}

#[test]
fn stats_begin_at_a_full_minute() {
    let parameters = StatsParameters::parse(Some("hours_back=6")).unwrap();
    let since = |second: i64| parameters.since(DateTime::from_timestamp(360_000 + second, 0).unwrap());
    assert_eq!((since(0), since(59), since(60)), (338_400_000_000, 338_400_000_000, 338_460_000_000));
    assert!(StatsParameters::parse(Some("hours_back=8785")).is_err());
    assert!(StatsParameters::parse(Some("page_size=1")).is_err());
}

#[test]
fn a_cursor_brings_its_filters_and_takes_no_others() {
    let filters = Filters { event_type: Some("PushEvent".to_owned()), ..Filters::default() };
    let view = serde_json::from_str(r#"{"m":null,"s":""}"#).unwrap();
    let walk = Walk { begun: 0, view, filters: filters.clone(), since: 0, until: 1, page_size: 7 };
    let cursor = Cursor::new(walk, lake::Position { time: 0, key: None }).encode().unwrap();
    let parse = |more: &str| Parameters::parse(Some(&format!("cursor={cursor}{more}")));
    let found = parse("").unwrap();
    assert_eq!((found.filters, found.page_size), (filters, 7));
    assert_eq!(parse("&page_size=3&event_type=PushEvent").unwrap().page_size, 3);
    let problem = serde_json::to_value(parse("&event_type=WatchEvent").unwrap_err()).unwrap();
    assert_eq!(problem["parameter"], "cursor");
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused_by_name(
        pairs in proptest::collection::vec((0..NAMES.len(), any::<String>()), 0..4),
    ) {
        let encoded = pairs.iter().map(|(name, value)| {
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{}={value}", NAMES[*name])
        });
        let query: String = encoded.collect::<Vec<_>>().join("&");
        if let Err(problem) = Parameters::parse(Some(&query)) {
            let problem = serde_json::to_value(problem).unwrap();
            prop_assert_eq!(&problem["status"], 400);
            prop_assert!(NAMES.contains(&problem["parameter"].as_str().unwrap()));
        }
    }

    #[test]
    fn any_text_is_a_query_or_a_fault(query in any::<String>()) {
        let _ = Parameters::parse(Some(&query));
        let _ = StatsParameters::parse(Some(&query));
    }

    #[test]
    fn valid_parameters_are_taken(
        hours in 1..=HOURS_MAX,
        size in 1..=PAGE_MAX,
        kind in "[A-Za-z0-9_]{1,64}",
        repo in "[A-Za-z0-9_.-]{1,39}/[A-Za-z0-9_.-]{1,100}",
    ) {
        let query = format!("hours_back={hours}&page_size={size}&event_type={kind}&repo={repo}");
        let found = Parameters::parse(Some(&query)).unwrap();
        prop_assert_eq!((found.filters.hours_back, found.page_size), (Some(hours), size));
        prop_assert_eq!((found.filters.event_type, found.filters.repo), (Some(kind), Some(repo)));
    }
}
