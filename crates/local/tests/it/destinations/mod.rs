//! Records that leave the runner, and the queues, topics and buckets that it makes.

mod batches;
mod resources;

use crate::cases::Case;

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "destinations.batches.a-queue-gets-the-metadata-of-a-failed-batch-and-no-records" => batches::a_queue_gets_the_metadata_of_a_failed_batch_and_no_records,
        "destinations.batches.an-sns-topic-gets-the-metadata-of-a-failed-batch-as-its-message" => batches::an_sns_topic_gets_the_metadata_of_a_failed_batch_as_its_message,
        "destinations.batches.a-bucket-gets-the-metadata-and-the-whole-event-as-text" => batches::a_bucket_gets_the_metadata_and_the_whole_event_as_text,
        "destinations.batches.a-queue-that-is-not-there-yet-loses-nothing" => batches::a_queue_that_is_not_there_yet_loses_nothing,
        "destinations.resources.what-the-template-names-is-made-before-a-trigger-starts-and-may-be-there" => resources::what_the_template_names_is_made_before_a_trigger_starts_and_may_be_there,
    ]
}
