//! Posts, comments and likes over several databases (shards): what a write is, where it belongs, and who may store it.
//!
//! Every write is a record of the topic [`TOPIC`]. Its partition is a hash of the *post's* id ([`partition_of`]), so a
//! post, its comments and its likes are in one partition, in the order in which they were accepted. A partition belongs to
//! one shard ([`ShardMap`]); moving data between shards is moving partitions. Their number never changes.

pub mod breaker;
mod event;
mod id;
mod map;
pub mod moves;
mod page;
mod partition;
mod rules;
mod token;

pub use event::{Comment, Like, Post, Write};
pub use id::{Id, IdError};
pub use map::{Assignment, FIRST_EPOCH, MapError, Move, ShardId, ShardMap};
pub use page::{Page, Position, merge};
pub use partition::{PARTITIONS, Partition, partition_of};
pub use rules::{
    CONTENT_CHARACTERS, Fault, KEY_CHARACTERS, USER_CHARACTERS, check_content, check_key, check_post_id, check_user,
};
pub use token::{Token, TokenError};

/// The topic that carries all writes.
pub const TOPIC: &str = "posts-writes";
