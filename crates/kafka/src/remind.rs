//! Brings back a client of librdkafka that has forgotten all brokers.
//!
//! A broker that has just started answers questions for a moment before it counts as alive, and says that there are no
//! brokers. From version 2.10 on librdkafka believes that: it drops all it knows, those of its configuration too, and as
//! nobody is left to be asked, never connects again (confluentinc/librdkafka#5301; seen in about one restart of ten on a
//! busy machine). Telling it the addresses once more brings it back, with its queues and its place in the group.

use std::ffi::CString;

use rdkafka::{bindings as native, client::Client, client::ClientContext};

use crate::Config;

/// Tells a client the addresses of its configuration again. One that knows them already does nothing; each call keeps
/// a few bytes, so it is for a client that has not got through for seconds.
#[allow(unsafe_code, reason = "librdkafka's C interface; client and text outlive the call, which copies the text")]
pub fn remind<C: ClientContext>(client: &Client<C>, config: &Config) {
    // An address with a NUL would not have made a client.
    let Ok(brokers) = CString::new(config.bootstrap_servers.as_str()) else { return };
    let known = unsafe { native::rd_kafka_brokers_add(client.native_ptr(), brokers.as_ptr()) };
    tracing::debug!(kafka.brokers_added = known, "told a kafka client its brokers again");
}
