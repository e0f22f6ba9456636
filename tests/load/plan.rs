//! What each user does when: pure, so that a run is the same for the same numbers.

use std::time::Duration;

/// Something that a user is about to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A new post.
    Post,
    /// A comment on one of the posts that were acknowledged.
    Comment,
    /// A like of one of them.
    Like,
}

/// When a user's `turn`-th request is due, from the beginning on: users come in turn, a request at a time.
pub(crate) fn due(user: u32, turn: u64, users: u32, rate: u32) -> Duration {
    let position = turn * u64::from(users) + u64::from(user);
    Duration::from_nanos(position.saturating_mul(1_000_000_000) / u64::from(rate))
}

/// Half of the requests are posts, three in ten comments, the others likes. A user begins with a post.
pub(crate) fn action(user: u32, turn: u64) -> Action {
    if turn == 0 {
        return Action::Post;
    }
    match mixed(u64::from(user) << 32 | turn) % 10 {
        0..=4 => Action::Post,
        5..=7 => Action::Comment,
        _ => Action::Like,
    }
}

/// Which of `posts` a comment or like is for.
pub(crate) fn target(user: u32, turn: u64, posts: usize) -> usize {
    let number = mixed(!(u64::from(user) << 32 | turn));
    usize::try_from(number % u64::try_from(posts.max(1)).unwrap_or(1)).unwrap_or(0)
}

/// The finaliser of SplitMix64: neighbouring numbers give unrelated ones.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
