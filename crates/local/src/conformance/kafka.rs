//! The Kafka event source.

use super::Rule;

/// Checked by `tests/it/kafka/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "kafka.batching.one-payload-holds-several-partitions-each-in-order",
        text: "One payload can hold records of several partitions; those of a partition are in the order of their \
               offsets",
        source: "lambda/latest/dg/with-kafka-configure.html",
    },
    Rule {
        id: "kafka.batching.a-batch-has-no-more-than-its-size",
        text: "A batch is delivered as soon as it has BatchSize records, and never has more",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "kafka.batching.the-window-closes-a-small-batch",
        text: "A batch that does not fill up is delivered when MaximumBatchingWindowInSeconds is over",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "kafka.batching.an-ending-mapping-delivers-what-it-has-begun",
        text: "A mapping that is disabled waits for the batch that its function has, and commits it",
        source: "",
    },
    Rule {
        id: "kafka.batching.a-changed-batch-size-holds-from-the-next-batch-on",
        text: "UpdateEventSourceMapping changes BatchSize without a restart, from the next batch on",
        source: "lambda/latest/api/API_UpdateEventSourceMapping.html",
    },
    Rule {
        id: "kafka.event.a-record-looks-as-lambda-sends-it",
        text: "An event has eventSource, bootstrapServers and records by `<topic>-<partition>`; a record has \
               topic, partition, offset, timestamp, timestampType, base64 key and value, and headers",
        source: "lambda/latest/dg/with-kafka.html",
    },
    Rule {
        id: "kafka.event.a-tombstone-has-no-value-and-a-record-without-key-no-key",
        text: "A record without a value has no `value` in the event, one without a key no `key`; an empty value is \"\"",
        source: "",
    },
    Rule {
        id: "kafka.event.header-bytes-are-signed-and-names-may-stand-twice",
        text: "Headers are a list of maps with one name each; their bytes are signed, from -128 to 127, and a name may \
               stand twice",
        source: "lambda/latest/dg/with-kafka.html",
    },
    Rule {
        id: "kafka.event.the-time-is-the-brokers-where-the-topic-says-so",
        text: "A record's timestampType is CREATE_TIME, or LOG_APPEND_TIME where the topic takes the broker's time",
        source: "lambda/latest/dg/with-kafka.html",
    },
    Rule {
        id: "kafka.event.msk-says-so-and-names-the-cluster",
        text: "An event of an MSK cluster has eventSource `aws:kafka` and the cluster's eventSourceArn; a \
               self-managed one has `SelfManagedKafka` and no ARN",
        source: "lambda/latest/dg/with-msk.html",
    },
    Rule {
        id: "kafka.failures.offsets-are-committed-after-success-only",
        text: "The offsets of a batch are committed when the function has succeeded, so that each record is \
               processed at least once",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.failures.a-failing-partition-holds-up-no-other",
        text: "A batch that is tried again holds up its own partitions and no other",
        source: "",
    },
    Rule {
        id: "kafka.failures.a-crash-is-a-failure-like-any-other",
        text: "A function that dies or takes too long has failed: its batch is delivered again",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.failures.a-throttled-batch-waits-and-uses-up-no-retry",
        text: "A batch that is throttled waits and is offered again; only function errors count against \
               MaximumRetryAttempts",
        source: "lambda/latest/dg/kafka-scaling-modes.html",
    },
    Rule {
        id: "kafka.failures.after-its-retries-a-batch-goes-to-the-destination-and-the-next-one-comes",
        text: "After MaximumRetryAttempts the records go to the on-failure topic, and the partition goes on",
        source: "lambda/latest/dg/kafka-on-failure-destination.html",
    },
    Rule {
        id: "kafka.failures.without-a-destination-a-batch-is-dropped-after-its-retries",
        text: "Without an on-failure destination a batch is skipped after its retries, which the log says",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.failures.records-that-grew-too-old-are-given-up-and-the-others-tried-again",
        text: "Records older than MaximumRecordAgeInSeconds are given up; the younger ones of the batch are tried \
               again",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.failures.bisecting-finds-the-poison-and-delivers-everything-else",
        text: "BisectBatchOnFunctionError halves a batch that failed until the record that fails is alone, and \
               delivers all others",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.failures.a-destination-that-refuses-loses-nothing",
        text: "What the on-failure destination does not take stays uncommitted and is tried again",
        source: "",
    },
    Rule {
        id: "kafka.partial.a-partition-goes-on-from-its-failed-offset-while-others-go-on",
        text: "A partial batch response names a partition and an offset by object; the partition comes again from \
               there, what stands before it and all other partitions are done",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.partial.an-answer-that-makes-no-sense-returns-the-whole-batch",
        text: "With ReportBatchItemFailures, an answer that is no JSON or names a record that the batch does not \
               have returns the whole batch",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.partial.without-the-setting-a-normal-return-is-success",
        text: "Without ReportBatchItemFailures a normal return is success, whatever it holds; `batchItemFailures` \
               in it is warned of",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "kafka.position.trim-horizon-begins-with-the-oldest-record",
        text: "TRIM_HORIZON begins with the oldest record that the topic has",
        source: "lambda/latest/dg/kafka-starting-positions.html",
    },
    Rule {
        id: "kafka.position.latest-begins-with-the-first-record-after-it-was-enabled",
        text: "LATEST begins just after the most recent record; here nothing is missed once the mapping is \
               enabled, where AWS may take minutes",
        source: "lambda/latest/dg/kafka-starting-positions.html",
    },
    Rule {
        id: "kafka.position.at-timestamp-begins-with-the-first-record-at-or-after-it",
        text: "AT_TIMESTAMP begins with the first record at or after StartingPositionTimestamp, in Unix seconds",
        source: "lambda/latest/dg/kafka-starting-positions.html",
    },
    Rule {
        id: "kafka.position.a-group-with-offsets-ignores-the-starting-position",
        text: "A ConsumerGroupId that has committed offsets goes on from them, and StartingPosition is ignored",
        source: "lambda/latest/dg/kafka-consumer-group-id.html",
    },
    Rule {
        id: "kafka.position.disabling-and-enabling-loses-and-doubles-nothing",
        text: "A mapping that is disabled and enabled again goes on where it was",
        source: "lambda/latest/dg/kafka-starting-positions.html",
    },
    Rule {
        id: "kafka.position.a-missing-topic-is-an-error-that-names-mapping-and-topic",
        text: "A topic that is not there is an error that names mapping and topic",
        source: "",
    },
    Rule {
        id: "kafka.sharing.several-pollers-deliver-partitions-side-by-side",
        text: "Several pollers deliver several partitions at the same time, each partition by one of them",
        source: "lambda/latest/dg/kafka-scaling-modes.html",
    },
    Rule {
        id: "kafka.sharing.two-runners-in-one-group-share-its-partitions-and-lose-nothing",
        text: "Consumers of the same group share its partitions, and every record reaches one of them",
        source: "lambda/latest/dg/kafka-consumer-group-id.html",
    },
    Rule {
        id: "kafka.sharing.a-rebalance-in-the-midst-of-retries-loses-nothing-and-stops-no-partition",
        text: "A rebalance while a batch is tried again loses no record and leaves no partition standing",
        source: "",
    },
    Rule {
        id: "kafka.size.a-batch-is-closed-before-its-payload-exceeds-6-mb",
        text: "A batch is closed before its event exceeds 6 MB, counted as the bytes of the JSON with base64",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "kafka.size.a-record-of-4-mb-is-delivered-whole-and-what-no-event-holds-is-not",
        text: "A record of 4,000,000 bytes is delivered whole, and so is one of 4,400,000; one whose event would be over 6 MB is given up, and the rest of its partition goes on",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "kafka.size.a-record-over-the-limit-goes-to-the-failure-destination-as-it-came",
        text: "A record that exceeds the limit alone is not delivered and goes to the on-failure destination as \
               it came",
        source: "lambda/latest/dg/kafka-on-failure.html",
    },
    Rule {
        id: "kafka.size.the-record-that-did-not-fit-does-not-overtake-a-batch-that-failed",
        text: "A record that did not fit is given up only after the batch before it is settled",
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
    Rule {
        id: "kafka.access.a-broker-of-the-environment-is-read-with-the-environments-login",
        text: "A broker that the environment names is read with its login: SCRAM, PLAIN, or a connection string of Event Hubs",
        source: "",
    },
    Rule {
        id: "kafka.access.a-connection-string-that-is-refused-is-an-error-that-does-not-show-it",
        text: "A connection string that the broker refuses is an error that does not show it",
        source: "",
    },
];
