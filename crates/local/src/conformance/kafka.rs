//! The Kafka event source.

use super::Rule;

/// Checked by `tests/it/kafka/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "kafka.batching.one-payload-holds-several-partitions-each-in-order",
        text: "One payload holds several partitions each in order",
        source: "",
    },
    Rule {
        id: "kafka.batching.a-batch-has-no-more-than-its-size",
        text: "A batch has no more than its size",
        source: "",
    },
    Rule { id: "kafka.batching.the-window-closes-a-small-batch", text: "The window closes a small batch", source: "" },
    Rule {
        id: "kafka.batching.an-ending-mapping-delivers-what-it-has-begun",
        text: "An ending mapping delivers what it has begun",
        source: "",
    },
    Rule {
        id: "kafka.batching.a-changed-batch-size-holds-from-the-next-batch-on",
        text: "A changed batch size holds from the next batch on",
        source: "",
    },
    Rule { id: "kafka.event.a-record-looks-as-lambda-sends-it", text: "A record looks as lambda sends it", source: "" },
    Rule { id: "kafka.event.msk-says-so-and-names-the-cluster", text: "Msk says so and names the cluster", source: "" },
    Rule {
        id: "kafka.failures.offsets-are-committed-after-success-only",
        text: "Offsets are committed after success only",
        source: "",
    },
    Rule {
        id: "kafka.failures.a-failing-partition-holds-up-no-other",
        text: "A failing partition holds up no other",
        source: "",
    },
    Rule {
        id: "kafka.failures.a-crash-is-a-failure-like-any-other",
        text: "A crash is a failure like any other",
        source: "",
    },
    Rule {
        id: "kafka.failures.a-throttled-batch-waits-and-uses-up-no-retry",
        text: "A throttled batch waits and uses up no retry",
        source: "",
    },
    Rule {
        id: "kafka.failures.after-its-retries-a-batch-goes-to-the-destination-and-the-next-one-comes",
        text: "After its retries a batch goes to the destination and the next one comes",
        source: "",
    },
    Rule {
        id: "kafka.failures.without-a-destination-a-batch-is-dropped-after-its-retries",
        text: "Without a destination a batch is dropped after its retries",
        source: "",
    },
    Rule {
        id: "kafka.failures.records-that-grew-too-old-are-given-up-and-the-others-tried-again",
        text: "Records that grew too old are given up and the others tried again",
        source: "",
    },
    Rule {
        id: "kafka.failures.bisecting-finds-the-poison-and-delivers-everything-else",
        text: "Bisecting finds the poison and delivers everything else",
        source: "",
    },
    Rule {
        id: "kafka.failures.a-destination-that-refuses-loses-nothing",
        text: "A destination that refuses loses nothing",
        source: "",
    },
    Rule {
        id: "kafka.partial.a-partition-goes-on-from-its-failed-offset-while-others-go-on",
        text: "A partition goes on from its failed offset while others go on",
        source: "",
    },
    Rule {
        id: "kafka.partial.an-answer-that-makes-no-sense-returns-the-whole-batch",
        text: "An answer that makes no sense returns the whole batch",
        source: "",
    },
    Rule {
        id: "kafka.partial.without-the-setting-a-normal-return-is-success",
        text: "Without the setting a normal return is success",
        source: "",
    },
    Rule {
        id: "kafka.position.trim-horizon-begins-with-the-oldest-record",
        text: "Trim horizon begins with the oldest record",
        source: "",
    },
    Rule {
        id: "kafka.position.latest-begins-with-the-first-record-after-it-was-enabled",
        text: "Latest begins with the first record after it was enabled",
        source: "",
    },
    Rule {
        id: "kafka.position.at-timestamp-begins-with-the-first-record-at-or-after-it",
        text: "At timestamp begins with the first record at or after it",
        source: "",
    },
    Rule {
        id: "kafka.position.a-group-with-offsets-ignores-the-starting-position",
        text: "A group with offsets ignores the starting position",
        source: "",
    },
    Rule {
        id: "kafka.position.disabling-and-enabling-loses-and-doubles-nothing",
        text: "Disabling and enabling loses and doubles nothing",
        source: "",
    },
    Rule {
        id: "kafka.position.a-missing-topic-is-an-error-that-names-mapping-and-topic",
        text: "A missing topic is an error that names mapping and topic",
        source: "",
    },
    Rule {
        id: "kafka.sharing.several-pollers-deliver-partitions-side-by-side",
        text: "Several pollers deliver partitions side by side",
        source: "",
    },
    Rule {
        id: "kafka.sharing.two-runners-in-one-group-share-its-partitions-and-lose-nothing",
        text: "Two runners in one group share its partitions and lose nothing",
        source: "",
    },
    Rule {
        id: "kafka.sharing.a-rebalance-in-the-midst-of-retries-loses-nothing-and-stops-no-partition",
        text: "A rebalance in the midst of retries loses nothing and stops no partition",
        source: "",
    },
    Rule {
        id: "kafka.size.a-batch-is-closed-before-its-payload-exceeds-6-mb",
        text: "A batch is closed before its payload exceeds 6 mb",
        source: "",
    },
    Rule {
        id: "kafka.size.a-record-over-the-limit-goes-to-the-failure-destination-as-it-came",
        text: "A record over the limit goes to the failure destination as it came",
        source: "",
    },
    Rule {
        id: "kafka.size.the-record-that-did-not-fit-does-not-overtake-a-batch-that-failed",
        text: "The record that did not fit does not overtake a batch that failed",
        source: "",
    },
    Rule {
        id: "kafka.filtering.filtered-records-are-not-delivered-and-their-offsets-are-committed",
        text: "Records that no filter lets pass are not delivered, and their offsets are committed like the others",
        source: "lambda/latest/dg/kafka-filtering.html",
    },
    Rule {
        id: "kafka.filtering.when-all-records-are-filtered-out-nothing-is-invoked",
        text: "When all records are filtered out the function is not invoked, and the offsets go on",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "kafka.filtering.filtering-comes-before-batching",
        text: "Filters are applied before batching: BatchSize counts what passed",
        source: "lambda/latest/dg/invocation-eventfiltering.html",
    },
    Rule {
        id: "kafka.filtering.a-failed-batch-is-not-overtaken-by-what-was-filtered-out",
        text: "Filtered records behind a failed one are not committed before it",
        source: "",
    },
    Rule {
        id: "kafka.sharing.a-second-runner-gets-its-share-while-the-first-ones-function-runs",
        text: "A second runner gets its share of the partitions at once, while the function of the first one runs",
        source: "",
    },
    Rule {
        id: "kafka.sharing.what-was-revoked-while-the-function-ran-is-not-committed-by-its-success",
        text: "What was taken from a runner while its function ran is not committed by its success, and comes again elsewhere",
        source: "",
    },
    Rule {
        id: "kafka.sharing.partitions-that-are-added-are-read-from-their-first-record",
        text: "Partitions that are added to a topic are found while it is read, and read from their first record",
        source: "",
    },
    Rule {
        id: "kafka.access.passwords-for-scram-and-plain-come-from-a-secret",
        text: "SASL_SCRAM_256_AUTH, SASL_SCRAM_512_AUTH and BASIC_AUTH log in within TLS, with username and password of the secret",
        source: "lambda/latest/dg/kafka-cluster-auth.html",
    },
    Rule {
        id: "kafka.access.a-client-certificate-comes-from-a-secret",
        text: "CLIENT_CERTIFICATE_TLS_AUTH takes certificate, private key and its password from the secret; SERVER_ROOT_CA_CERTIFICATE says who signed the broker",
        source: "lambda/latest/dg/kafka-cluster-auth.html",
    },
    Rule {
        id: "kafka.access.a-login-that-is-refused-is-an-error-when-the-mapping-starts",
        text: "A login that is refused, and a secret that is missing or has another form, are errors that name the mapping",
        source: "",
    },
    Rule {
        id: "kafka.access.the-login-is-not-for-the-stacks-own-broker",
        text: "The template's login is for brokers other than the stack's own, which has no users",
        source: "",
    },
];
