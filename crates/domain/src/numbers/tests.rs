//! All stages one after the other: what a message is at the end of each, and the largest and worst that may come.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// The value behind each stage, or the first fault with its stage.
fn through(value: &str) -> Result<Vec<String>, (u8, Fault)> {
    let mut values: Vec<String> = Vec::new();
    for stage in &STAGES {
        let input = values.last().map_or(value, String::as_str);
        values.push(stage.apply(input.as_bytes()).map_err(|fault| (stage.number, fault))?);
    }
    Ok(values)
}

fn of(numbers: &[String]) -> String {
    format!("{{\"numbers\":[{}]}}", numbers.join(","))
}

#[test]
fn the_message_at_the_end_of_each_stage() {
    let values = through("{\n  \"numbers\": [76452, 61211234, 8243724, 1e3, -0, 28]\n}").unwrap();
    assert_eq!(values[0], r#"{"numbers":[76452,61211234,8243724,1000,0,28]}"#);
    let factors = r#","factors":["2^2*3*23*277","2*7*23*190097","2^2*3*686977","2^3*5^3","0","2^2*7"]}"#;
    assert!(values[1].ends_with(factors), "{}", values[1]);
    assert!(values[2].ends_with(r#","classes":{"zero":[4],"perfect":[5],"square":[4]}}"#), "{}", values[2]);
    assert!(
        values[3].ends_with(
            r#","summary":{"count":6,"sum":69532438,"min":0,"max":61211234,"mean":"34766219/3","median":"38726"}}"#
        ),
        "{}",
        values[3]
    );
    let digest = Sha256::digest(&values[3]).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(values[4].ends_with(&format!(",\"digest\":\"sha256:{digest}\"}}")));
}

#[test]
fn the_smallest_and_the_largest_pass() {
    for numbers in [
        vec![],
        vec!["7".to_owned()],
        vec!["9".repeat(DIGITS)],
        vec![format!("-{}", "3".repeat(DIGITS)); 10],
        // Those whose factors and classes take most room.
        vec!["901800900".to_owned(); COUNT],
        vec!["-69369300".to_owned(); COUNT],
        (0..COUNT).map(|number| number.to_string()).collect(),
    ] {
        let values = through(&of(&numbers)).unwrap_or_else(|(stage, fault)| panic!("stage {stage}: {fault}"));
        assert!(values[4].contains(&format!("\"summary\":{{\"count\":{},", numbers.len())));
        // Each stage may get again what it wrote.
        for (stage, value) in STAGES.iter().zip(&values).skip(1) {
            assert_eq!(stage.apply(value.as_bytes()).as_ref(), Ok(value), "stage {}", stage.number);
        }
    }
}

#[test]
fn what_breaks_a_rule_is_told_at_the_first_stage() {
    for (value, rule) in [
        (String::new(), "json"),
        ("[1]".to_owned(), "json"),
        ("{\"numbers\":[1]".to_owned(), "json"),
        ("{\"numbers\":[01]}".to_owned(), "json"),
        ("{\"numbers\":[1]} x".to_owned(), "json"),
        ("{}".to_owned(), "numbers"),
        ("{\"numbers\":7}".to_owned(), "numbers"),
        ("{\"numbers\":[1],\"other\":2}".to_owned(), "fields"),
        ("{\"numbers\":[1],\"numbers\":[2]}".to_owned(), "fields"),
        ("{\"numbers\":[1,\"2\"]}".to_owned(), "integer"),
        ("{\"numbers\":[1.5]}".to_owned(), "integer"),
        (of(&["9".repeat(DIGITS + 1)]), "digits"),
        (of(&vec!["1".to_owned(); COUNT + 1]), "count"),
        (of(&vec!["1e99999".to_owned(); 11]), "size"),
        (of(&vec!["9".repeat(DIGITS); 11]), "size"),
        (format!("{{{}\"numbers\":[]}}", "\"a\":0,".repeat(40)), "json"),
        (format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), "json"),
        (format!("{{\"numbers\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)), "integer"),
    ] {
        let (stage, fault) = through(&value).expect_err(&value.chars().take(60).collect::<String>());
        let shown: String = value.chars().take(60).collect();
        assert_eq!((stage, fault.rule), (1, rule), "{shown}: {}", fault.reason);
        assert!(fault.reason.len() < 300, "{}", fault.reason);
    }
    let fault = STAGES[0].apply(b"{\"numbers\":[\xff]}").unwrap_err();
    assert_eq!(fault.rule, "json");
}

#[test]
fn a_later_stage_says_what_it_misses() {
    for (stage, value, rule) in [
        (2, r#"{"numbers":[1.0]}"#, "numbers"),
        (2, r#"{"numbers":[007]}"#, "json"),
        (3, r#"{"numbers":[1]}"#, "factors"),
        (4, r#"{"numbers":["1"]}"#, "numbers"),
        (5, r#"{"numbers":[1]}"#, "summary"),
    ] {
        assert_eq!(Stage::of(stage).unwrap().apply(value.as_bytes()).unwrap_err().rule, rule, "{value}");
    }
}

#[test]
fn the_topics_make_a_line() {
    let line: Vec<_> = STAGES.iter().map(|stage| (stage.input_topic(), stage.output_topic())).collect();
    assert_eq!(line[0], ("start".into(), "stage1".into()));
    assert_eq!(line[4], ("stage4".into(), "finish".into()));
    assert!(line.windows(2).all(|pair| pair[0].1 == pair[1].0));
    assert!(STAGES.iter().zip(1..).all(|(stage, number)| stage.number == number));
}

proptest! {
    #[test]
    fn numbers_of_any_size_pass_and_stay_the_same(numbers in proptest::collection::vec("-?[1-9][0-9]{0,40}|0", 0..12)) {
        let values = through(&of(&numbers)).unwrap();
        prop_assert_eq!(&values[0], &of(&numbers));
        let whole = values[0].trim_end_matches('}').to_owned();
        prop_assert!(values.iter().all(|value| value.starts_with(&whole)));
    }

    #[test]
    fn nothing_makes_a_stage_panic(value in "\\PC{0,80}", json in "\\{\"(numbers|factors|summary)\":[\\[\\]{}0-9\",.e^*-]{0,30}\\}") {
        for stage in &STAGES {
            let _ = stage.apply(value.as_bytes());
            let _ = stage.apply(json.as_bytes());
        }
    }
}
