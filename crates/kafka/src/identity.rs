//! Which topic a topic is. Offsets mean nothing without it: a topic that was deleted and made again starts at 0.

use std::{
    ffi::{CStr, CString},
    ptr::NonNull,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rdkafka::{
    admin::AdminClient,
    bindings::{
        self as native, rd_kafka_AdminOptions_t, rd_kafka_TopicCollection_t, rd_kafka_event_t, rd_kafka_queue_t,
    },
    client::DefaultClientContext,
};

use crate::{Config, remind};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What a watermark is keyed by, beside the partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicIdentity {
    /// The cluster's own id.
    pub cluster_id: String,
    /// The topic's UUID as Kafka writes it; a topic made again under the same name has another.
    pub topic_id: String,
}

/// Asks the broker which topic a name means. It keeps its connection: a client of librdkafka takes 100 ms to end.
#[derive(Clone)]
pub struct Identifier {
    client: Arc<AdminClient<DefaultClientContext>>,
    config: Config,
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identifier")
    }
}

impl Identifier {
    /// Nothing connects before the first question.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let client = config.client().create().context("create a kafka client")?;
        Ok(Self { client: Arc::new(client), config: config.clone() })
    }

    /// Asks the broker now; no answer is kept.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds, the topic does not exist, or the broker is older than 3.1
    /// and tells no topic ids.
    pub async fn identify(&self, topic: &str) -> anyhow::Result<TopicIdentity> {
        let (client, config, topic) = (Arc::clone(&self.client), self.config.clone(), topic.to_owned());
        // librdkafka's calls block, so they wait on a thread that may.
        tokio::task::spawn_blocking(move || {
            // The next question is to find a client that can ask.
            identify(&client, &topic).inspect_err(|_| remind(client.inner(), &config))
        })
        .await
        .context("wait for the broker's answer")?
    }
}

fn identify(client: &AdminClient<DefaultClientContext>, topic: &str) -> anyhow::Result<TopicIdentity> {
    let cluster_id = client.inner().fetch_cluster_id(TIMEOUT).context("ask for the cluster's id")?;
    let topic_id = describe(client, topic).with_context(|| format!("ask for the id of topic {topic}"))?;
    Ok(TopicIdentity { cluster_id, topic_id })
}

/// A pointer that librdkafka gave, freed with its own function.
struct Owned<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> anyhow::Result<Self> {
        NonNull::new(pointer).map(|pointer| Self(pointer, free)).context("librdkafka is out of memory")
    }

    fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    #[allow(unsafe_code, reason = "the pointer came from librdkafka, is freed once, with the function made for it")]
    fn drop(&mut self) {
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

/// rdkafka has no safe call for `DescribeTopics`, the only one that tells a topic's id.
#[allow(unsafe_code, reason = "librdkafka's C interface; every pointer is checked or owned, and outlives its use")]
fn describe(client: &AdminClient<DefaultClientContext>, topic: &str) -> anyhow::Result<String> {
    let name = CString::new(topic).context("a topic's name holds no NUL")?;
    let mut names = [name.as_ptr()];
    let rk = client.inner().native_ptr();
    unsafe {
        let topics: Owned<rd_kafka_TopicCollection_t> = Owned::new(
            native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            native::rd_kafka_TopicCollection_destroy,
        )?;
        let options: Owned<rd_kafka_AdminOptions_t> = Owned::new(
            native::rd_kafka_AdminOptions_new(rk, native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS),
            native::rd_kafka_AdminOptions_destroy,
        )?;
        let queue: Owned<rd_kafka_queue_t> =
            Owned::new(native::rd_kafka_queue_new(rk), native::rd_kafka_queue_destroy)?;
        native::rd_kafka_DescribeTopics(rk, topics.get(), options.get(), queue.get());
        let timeout_ms = i32::try_from(TIMEOUT.as_millis()).unwrap_or(i32::MAX);
        let event = native::rd_kafka_queue_poll(queue.get(), timeout_ms);
        let event: Owned<rd_kafka_event_t> = match NonNull::new(event) {
            Some(_) => Owned::new(event, native::rd_kafka_event_destroy)?,
            None => bail!("the broker did not answer within {} s", TIMEOUT.as_secs()),
        };
        let error = native::rd_kafka_event_error_string(event.get());
        if native::rd_kafka_event_error(event.get()) as i32 != 0 {
            bail!("{}", CStr::from_ptr(error).to_string_lossy());
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event.get());
        ensure!(!result.is_null(), "the broker answered something else");
        let mut count = 0;
        let described = native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        ensure!(count == 1 && !described.is_null(), "the broker described {count} topics instead of one");
        let description = *described;
        let error = native::rd_kafka_TopicDescription_error(description);
        if !error.is_null() && native::rd_kafka_error_code(error) as i32 != 0 {
            bail!("{}", CStr::from_ptr(native::rd_kafka_error_string(error)).to_string_lossy());
        }
        let id = native::rd_kafka_TopicDescription_topic_id(description);
        ensure!(!id.is_null(), "the broker tells no topic ids");
        let text = native::rd_kafka_Uuid_base64str(id);
        ensure!(!text.is_null(), "the broker tells no topic ids");
        Ok(CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}
