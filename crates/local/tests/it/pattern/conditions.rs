//! One condition each.

use super::passes;

pub(crate) async fn values_match_exactly_and_one_of_a_list_is_enough() {
    passes(
        r#"{"value":{"a":["x","",null,true]}}"#,
        &[r#"{"a":"x"}"#, r#"{"a":""}"#, r#"{"a":null}"#, r#"{"a":true}"#, r#"{"a":"\u0078"}"#],
        &[r#"{"a":"X"}"#, r#"{"a":"xy"}"#, r#"{"a":false}"#, r#"{"a":"true"}"#, r#"{"a":"null"}"#, r#"{"b":"x"}"#],
    );
}

pub(crate) async fn an_exact_number_matches_as_it_is_written() {
    passes(
        r#"{"value":{"a":[300]}}"#,
        &[r#"{"a":300}"#],
        &[r#"{"a":300.0}"#, r#"{"a":3.0e2}"#, r#"{"a":"300"}"#, r#"{"a":3000}"#],
    );
    passes(r#"{"value":{"a":[3.0e2]}}"#, &[r#"{"a":3.0e2}"#], &[r#"{"a":300}"#]);
}

pub(crate) async fn prefix_and_suffix_match_text_only() {
    passes(r#"{"value":{"a":[{"prefix":"AB"}]}}"#, &[r#"{"a":"AB12"}"#], &[r#"{"a":"ab12"}"#, r#"{"a":"xAB"}"#]);
    passes(r#"{"value":{"a":[{"suffix":".png"}]}}"#, &[r#"{"a":"x.png"}"#], &[r#"{"a":"x.PNG"}"#, r#"{"a":".pngx"}"#]);
    passes(r#"{"value":{"a":[{"prefix":"1"}]}}"#, &[r#"{"a":"12"}"#], &[r#"{"a":12}"#]);
}

pub(crate) async fn prefix_and_suffix_can_ignore_case() {
    passes(
        r#"{"value":{"a":[{"prefix":{"equals-ignore-case":"äB"}}]}}"#,
        &[r#"{"a":"Äbc"}"#, r#"{"a":"äB"}"#],
        &[r#"{"a":"ä"}"#, r#"{"a":"xäb"}"#],
    );
    passes(r#"{"value":{"a":[{"suffix":{"equals-ignore-case":".png"}}]}}"#, &[r#"{"a":"x.PNG"}"#], &[r#"{"a":"png"}"#]);
}

pub(crate) async fn equals_ignore_case_matches_the_whole_text() {
    passes(
        r#"{"value":{"a":[{"equals-ignore-case":"Alice"}]}}"#,
        &[r#"{"a":"aLICE"}"#],
        &[r#"{"a":"alices"}"#, r#"{"a":"lice"}"#],
    );
}

pub(crate) async fn a_wildcard_stands_for_any_characters_and_can_be_escaped() {
    passes(
        r#"{"value":{"a":[{"wildcard":"a*b*c"}]}}"#,
        &[r#"{"a":"abc"}"#, r#"{"a":"a--b--b--c"}"#],
        &[r#"{"a":"acb"}"#, r#"{"a":"abcd"}"#, r#"{"a":"ac"}"#],
    );
    passes(r#"{"value":{"a":[{"wildcard":"ab*ba"}]}}"#, &[r#"{"a":"abba"}"#], &[r#"{"a":"aba"}"#]);
    passes(r#"{"value":{"a":[{"wildcard":"*"}]}}"#, &[r#"{"a":""}"#, r#"{"a":"x"}"#], &[r#"{"a":1}"#]);
    passes(r#"{"value":{"a":[{"wildcard":"1\\*2"}]}}"#, &[r#"{"a":"1*2"}"#], &[r#"{"a":"1x2"}"#]);
}

pub(crate) async fn anything_but_excludes_values_and_needs_one() {
    passes(
        r#"{"value":{"a":[{"anything-but":["x","y"]}]}}"#,
        &[r#"{"a":"z"}"#, r#"{"a":1}"#, r#"{"a":null}"#],
        &[r#"{"a":"x"}"#, r#"{"a":"y"}"#, r#"{"b":"z"}"#],
    );
    passes(r#"{"value":{"a":[{"anything-but":5}]}}"#, &[r#"{"a":6}"#], &[r#"{"a":5}"#, r#"{"a":5.0}"#, r#"{"a":"6"}"#]);
}

pub(crate) async fn anything_but_excludes_prefixes_suffixes_wildcards_and_cases() {
    passes(r#"{"value":{"a":[{"anything-but":{"prefix":["in","er"]}}]}}"#, &[r#"{"a":"ok"}"#], &[r#"{"a":"init"}"#]);
    passes(r#"{"value":{"a":[{"anything-but":{"suffix":".png"}}]}}"#, &[r#"{"a":"x.gif"}"#], &[r#"{"a":"x.png"}"#]);
    passes(r#"{"value":{"a":[{"anything-but":{"wildcard":"*/t/*"}}]}}"#, &[r#"{"a":"/x/"}"#], &[r#"{"a":"/t/"}"#]);
    passes(
        r#"{"value":{"a":[{"anything-but":{"equals-ignore-case":["A","B"]}}]}}"#,
        &[r#"{"a":"c"}"#],
        &[r#"{"a":"a"}"#, r#"{"a":"B"}"#],
    );
}

pub(crate) async fn numeric_compares_numbers_and_ranges() {
    passes(
        r#"{"value":{"a":[{"numeric":[">",10,"<=",20]}]}}"#,
        &[r#"{"a":10.000001}"#, r#"{"a":20}"#, r#"{"a":2.0e1}"#],
        &[r#"{"a":10}"#, r#"{"a":20.1}"#, r#"{"a":"15"}"#, r#"{"a":null}"#],
    );
    passes(r#"{"value":{"a":[{"numeric":["=",100]}]}}"#, &[r#"{"a":100}"#, r#"{"a":1e2}"#], &[r#"{"a":101}"#]);
    passes(r#"{"value":{"a":[{"numeric":["<",0]}]}}"#, &[r#"{"a":-1}"#], &[r#"{"a":0}"#]);
    passes(r#"{"value":{"a":[{"numeric":[">=",0]}]}}"#, &[r#"{"a":0}"#, r#"{"a":5e9}"#], &[r#"{"a":6e9}"#]);
}

pub(crate) async fn exists_asks_for_a_value_that_is_no_object() {
    passes(
        r#"{"value":{"a":[{"exists":true}]}}"#,
        &[r#"{"a":null}"#, r#"{"a":0}"#, r#"{"a":["x"]}"#],
        &[r#"{"b":1}"#, r#"{"a":{"b":1}}"#, r#"{"a":[]}"#],
    );
    passes(
        r#"{"value":{"a":{"b":[{"exists":false}]}}}"#,
        &["{}", r#"{"a":{}}"#, r#"{"a":1}"#, r#"{"a":{"b":{"c":1}}}"#],
        &[r#"{"a":{"b":null}}"#, r#"{"a":[{"b":1},{"c":1}]}"#],
    );
}

pub(crate) async fn cidr_matches_addresses_of_a_block() {
    passes(
        r#"{"value":{"a":[{"cidr":"10.1.2.0/24"}]}}"#,
        &[r#"{"a":"10.1.2.0"}"#, r#"{"a":"10.1.2.255"}"#],
        &[r#"{"a":"10.1.3.0"}"#, r#"{"a":"::a01:200"}"#, r#"{"a":"here"}"#],
    );
    passes(r#"{"value":{"a":[{"cidr":"2001:db8::/32"}]}}"#, &[r#"{"a":"2001:db8::1"}"#], &[r#"{"a":"2001:db9::1"}"#]);
    passes(r#"{"value":{"a":[{"cidr":"0.0.0.0/0"}]}}"#, &[r#"{"a":"9.9.9.9"}"#], &[r#"{"a":"::1"}"#]);
}
