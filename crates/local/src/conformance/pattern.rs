//! Event patterns of `FilterCriteria`.

use super::Rule;

/// Checked by `tests/it/pattern/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "pattern.conditions.values-match-exactly-and-one-of-a-list-is-enough",
        text: "Text, true, false and null in a pattern match exactly, case included; of a list one value is enough",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "pattern.conditions.an-exact-number-matches-as-it-is-written",
        text: "An exact number matches as it is written: 300, 300.0 and 3.0e2 are not equal",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "pattern.conditions.prefix-and-suffix-match-text-only",
        text: "prefix and suffix match text only, case included",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.prefix-and-suffix-can-ignore-case",
        text: "prefix and suffix take equals-ignore-case to ignore case",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.equals-ignore-case-matches-the-whole-text",
        text: "equals-ignore-case matches the whole text",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.a-wildcard-stands-for-any-characters-and-can-be-escaped",
        text: "A * in wildcard stands for any characters, none included; \\* is the character itself",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.anything-but-excludes-values-and-needs-one",
        text: "anything-but matches every value except those listed, but not a field that is not there",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.anything-but-excludes-prefixes-suffixes-wildcards-and-cases",
        text: "anything-but excludes prefixes, suffixes, wildcards and texts in any case, one or a list of them",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.numeric-compares-numbers-and-ranges",
        text: "numeric compares numbers, not texts, from -5.0e9 to 5.0e9, and takes ranges",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.exists-asks-for-a-value-that-is-no-object",
        text: "exists true asks for a value, null included, exists false for none; an object is not a value",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.conditions.cidr-matches-addresses-of-a-block",
        text: "cidr matches IPv4 and IPv6 addresses of a block",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.structure.every-named-field-must-match-and-others-do-not-count",
        text: "A record must match every field that a pattern names; other fields do not count",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "pattern.structure.or-joins-fields-and-stands-beside-others",
        text: "$or joins conditions on several fields, may be nested, and stands beside other fields",
        source: "eventbridge/latest/userguide/eb-create-pattern-operators.html",
    },
    Rule {
        id: "pattern.structure.of-an-array-one-item-is-enough",
        text: "An array in the record matches when one of its items does",
        source: "eventbridge/latest/userguide/eb-event-patterns-arrays.html",
    },
    Rule {
        id: "pattern.structure.of-an-array-of-objects-one-object-has-all-the-fields",
        text: "Of an array of objects one object must match all conditions on its fields",
        source: "eventbridge/latest/userguide/eb-event-patterns-arrays.html",
    },
    Rule {
        id: "pattern.structure.of-a-key-that-stands-twice-the-last-one-counts",
        text: "Of a key that stands twice the last one counts",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "pattern.structure.a-record-that-passes-one-of-several-filters-is-delivered",
        text: "A record that passes one of several filters is delivered",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "pattern.formats.a-list-of-conditions-on-the-value-filters-plain-text",
        text: "A list of conditions on value itself filters plain text",
        source: "lambda/latest/dg/kafka-filtering.html",
    },
    Rule {
        id: "pattern.formats.text-and-a-pattern-for-json-do-not-fit-so-the-record-is-delivered",
        text: "Plain text and a pattern for JSON do not fit: only other properties are filtered on, so the record is delivered",
        source: "lambda/latest/dg/kafka-filtering.html",
    },
    Rule {
        id: "pattern.formats.json-and-a-pattern-for-text-do-not-fit-so-the-record-is-delivered",
        text: "JSON and a pattern for plain text do not fit: only other properties are filtered on, so the record is delivered",
        source: "lambda/latest/dg/kafka-filtering.html",
    },
    Rule {
        id: "pattern.formats.what-is-not-utf8-is-delivered",
        text: "A value that is not UTF-8 is not filtered on, so the record is delivered",
        source: "lambda/latest/dg/kafka-filtering.html",
    },
    Rule {
        id: "pattern.formats.a-tombstone-passes-only-where-absence-is-asked-for",
        text: "A record without a value has not the fields that a filter names, so only exists false lets it pass",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
];
