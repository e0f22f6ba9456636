//! The RabbitMQ event source.

use super::Rule;

/// Checked by `tests/it/rabbitmq/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "rabbitmq.event.a-message-looks-as-lambda-sends-it",
        text: "A message comes with its properties, its date as text, its headers' texts as bytes and its data in base64",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.event.every-property-is-there-and-null-when-it-is-unset",
        text: "Every property is there, and null when the publisher did not set it",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.event.headers-of-every-type",
        text: "Texts in headers come as signed bytes, numbers, booleans, tables and lists as they are, times as text",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.event.the-key-names-queue-and-virtual-host",
        text: "Messages stand under the name of their queue and its virtual host, with two colons between",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.event.the-same-message-published-twice-is-delivered-twice",
        text: "The same message published twice is delivered twice: nothing looks at message ids",
        source: "",
    },
    Rule {
        id: "rabbitmq.batching.a-batch-has-no-more-than-its-size-and-the-queues-order",
        text: "A batch has at most BatchSize messages, in the order of the queue",
        source: "lambda/latest/dg/services-mq-params.html",
    },
    Rule {
        id: "rabbitmq.batching.the-window-closes-a-small-batch",
        text: "A batch that is not full is delivered when its window is over",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "rabbitmq.batching.without-a-window-a-batch-waits-half-a-second",
        text: "A batch has 100 messages and waits 500 ms unless the mapping says otherwise",
        source: "lambda/latest/dg/services-mq-params.html",
    },
    Rule {
        id: "rabbitmq.batching.a-batch-is-closed-before-its-payload-exceeds-6-mb",
        text: "A batch is closed before its event exceeds 6 MB",
        source: "lambda/latest/dg/invocation-eventsourcemapping.html",
    },
    Rule {
        id: "rabbitmq.batching.a-message-over-the-limit-is-rejected-to-the-dead-letter-exchange-and-the-others-are-delivered",
        text: "A message whose event would exceed 6 MB is dropped, here to the dead-letter exchange of its queue, and the others are delivered",
        source: "lambda/latest/dg/services-mq-errors.html",
    },
    Rule {
        id: "rabbitmq.batching.one-invocation-at-a-time-whatever-the-function-has-reserved",
        text: "A RabbitMQ mapping has one execution environment, whatever the function has reserved",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.batching.a-changed-batch-size-holds-from-the-next-batch-on",
        text: "A changed batch size holds from the next batch on",
        source: "",
    },
    Rule {
        id: "rabbitmq.batching.a-message-that-the-filters-do-not-let-pass-is-acknowledged",
        text: "A message that no filter lets pass is not delivered and does not come again",
        source: "lambda/latest/dg/with-mq-filtering.html",
    },
    Rule {
        id: "rabbitmq.batching.a-mapping-that-is-disabled-ends-and-acknowledges-what-runs-and-loses-nothing",
        text: "A mapping that is disabled ends and acknowledges the batch that runs, and the others go back to the queue",
        source: "",
    },
    Rule {
        id: "rabbitmq.failures.messages-are-acknowledged-after-success-only",
        text: "Messages are acknowledged after the function has succeeded and not before",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.failures.a-failed-batch-comes-again-whole-and-marked-as-redelivered",
        text: "A batch that failed comes again whole, with redelivered true",
        source: "lambda/latest/dg/with-mq.html",
    },
    Rule {
        id: "rabbitmq.failures.an-answer-with-batch-item-failures-is-success",
        text: "There are no partial batches: an answer with batchItemFailures is success",
        source: "lambda/latest/dg/services-mq-params.html",
    },
    Rule {
        id: "rabbitmq.failures.a-crash-is-a-failure-like-any-other",
        text: "A crash is a failure like any other",
        source: "",
    },
    Rule {
        id: "rabbitmq.failures.a-timeout-is-a-failure-like-any-other",
        text: "A timeout is a failure like any other",
        source: "",
    },
    Rule {
        id: "rabbitmq.failures.a-throttled-batch-comes-again-until-there-is-room",
        text: "A batch that is throttled comes again until there is room",
        source: "",
    },
    Rule {
        id: "rabbitmq.failures.the-wait-after-a-failure-grows",
        text: "The wait before a failed batch comes again doubles with each failure",
        source: "",
    },
    Rule {
        id: "rabbitmq.failures.a-queue-with-a-delivery-limit-takes-a-poison-message-out-of-the-way",
        text: "Only the queue ends the attempts: a delivery limit takes a poison message to the dead-letter exchange",
        source: "lambda/latest/dg/services-mq-errors.html",
    },
    Rule {
        id: "rabbitmq.failures.a-stopped-function-does-not-use-up-a-delivery-limit",
        text: "A function that was stopped by hand does not use up a queue's delivery limit",
        source: "",
    },
    Rule {
        id: "rabbitmq.broker.a-queue-that-is-not-there-is-named-and-waited-for",
        text: "A queue that is not there is named as the mapping's problem and waited for",
        source: "",
    },
    Rule {
        id: "rabbitmq.broker.a-broker-that-dies-and-comes-back-loses-nothing",
        text: "A broker that dies and comes back loses nothing; what was not acknowledged comes again",
        source: "",
    },
    Rule {
        id: "rabbitmq.broker.the-login-is-that-of-the-secret-and-a-changed-one-is-found",
        text: "The login is that of the BASIC_AUTH secret, and a changed one is found at the next connection",
        source: "serverless-application-model/latest/developerguide/sam-property-function-mq.html",
    },
    Rule {
        id: "rabbitmq.broker.a-secret-that-is-no-login-is-named-and-not-shown",
        text: "A secret that is no login is named in the mapping's problem, and its value is not",
        source: "",
    },
];
