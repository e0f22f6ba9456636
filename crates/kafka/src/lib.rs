//! The only place that builds a Kafka client: where the cluster is ([`Config`]), an idempotent [`Producer`],
//! [`dead_letter`]s, and what a consumer must know of a topic before it may trust its offsets ([`Identifier`], [`Lookup`]),
//! and what it has got since an offset ([`Log`]).
//!
//! [`redrive`] sends dead letters again.
//!
//! Deliberately absent: consumer loops. Functions get their batches from Lambda; the runner's event source, which plays
//! Lambda's part, has its own loop on [`Config::client`].

pub mod admin;
mod config;
mod dead_letter;
mod identity;
mod log;
mod login;
mod lookup;
mod producer;
pub mod redrive;
mod remind;
mod settings;

pub use config::Config;
pub use dead_letter::{Origin, dead_letter, dead_letter_of};
pub use identity::{Identifier, TopicIdentity};
pub use log::{Log, RecordHeaders};
pub use login::{Login, Mechanism};
pub use lookup::{Found, Lookup};
pub use producer::{Message, Producer, Written};
pub use remind::remind;
