//! One event: its type, its envelope and its text, a pure function of the seed and the sequence number.

use crate::payload;
use crate::random::Random;
use crate::world;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

const PURPOSE_EVENT: u64 = 0xE7;

/// GitHub's ids rise with time but not across all types: pushes and branches are numbered far ahead of the rest, so
/// that nobody may take the highest id for the newest event.
const ID_BASE: u64 = 8_000_000_000;
const ID_AHEAD: u64 = 2_500_000_000;

/// A public event type with its share of 1,000 events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Commits on a branch; the most frequent one.
    Push,
    /// A branch, a tag or a repository came to be.
    Create,
    /// A branch or a tag went.
    Delete,
    /// A pull request was opened, closed, merged, reopened or labelled.
    PullRequest,
    /// A review was written.
    PullRequestReview,
    /// A comment on a line of a pull request.
    PullRequestReviewComment,
    /// An issue was opened, closed, reopened or labelled.
    Issues,
    /// A comment on an issue or a pull request.
    IssueComment,
    /// A star.
    Watch,
    /// A fork.
    Fork,
    /// A release was published.
    Release,
    /// A collaborator was added.
    Member,
    /// Wiki pages were written.
    Gollum,
    /// A comment on a commit.
    CommitComment,
    /// A repository was made public.
    Public,
    /// A discussion was started.
    Discussion,
}

/// Every type, its name in the API and its share of 1,000.
pub const KINDS: [(Kind, &str, u64); 16] = [
    (Kind::Push, "PushEvent", 540),
    (Kind::Create, "CreateEvent", 120),
    (Kind::PullRequest, "PullRequestEvent", 80),
    (Kind::Watch, "WatchEvent", 80),
    (Kind::IssueComment, "IssueCommentEvent", 60),
    (Kind::Delete, "DeleteEvent", 30),
    (Kind::PullRequestReview, "PullRequestReviewEvent", 28),
    (Kind::Issues, "IssuesEvent", 20),
    (Kind::PullRequestReviewComment, "PullRequestReviewCommentEvent", 15),
    (Kind::Fork, "ForkEvent", 12),
    (Kind::Release, "ReleaseEvent", 8),
    (Kind::Member, "MemberEvent", 2),
    (Kind::Gollum, "GollumEvent", 2),
    (Kind::CommitComment, "CommitCommentEvent", 1),
    (Kind::Public, "PublicEvent", 1),
    (Kind::Discussion, "DiscussionEvent", 1),
];

fn kind(random: &mut Random) -> (Kind, &'static str) {
    let mut at = random.below(1_000);
    for (kind, name, share) in KINDS {
        if at < share {
            return (kind, name);
        }
        at -= share;
    }
    (Kind::Push, "PushEvent")
}

/// Event number `sequence` of the feed as GitHub would write it, compact JSON. `created_at` is cut to the second.
pub fn render(seed: u64, sequence: u64, created_at: DateTime<Utc>) -> String {
    let mut random = Random::new(seed, PURPOSE_EVENT, sequence);
    let (kind, name) = kind(&mut random);
    let (actor, repository) = world::scene(seed, &mut random);
    let ahead = if matches!(kind, Kind::Push | Kind::Create | Kind::Delete) { ID_AHEAD } else { 0 };
    let created_at = created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let scene = payload::Scene { seed, actor: &actor, repository: &repository, created_at: &created_at };
    let mut event = json!({
        "id": (ID_BASE + ahead + sequence).to_string(),
        "type": name,
        "actor": {
            "id": actor.id, "login": actor.login, "display_login": actor.login.trim_end_matches("[bot]"), "gravatar_id": "",
            "url": format!("https://api.github.com/users/{}", actor.login),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{}?", actor.id),
        },
        "repo": {
            "id": repository.id, "name": repository.full_name,
            "url": format!("https://api.github.com/repos/{}", repository.full_name),
        },
        "payload": payload::of(kind, &scene, &mut random),
        "public": true,
        "created_at": created_at,
    });
    if let Some(event) = event.as_object_mut().filter(|_| repository.owned_by_organisation) {
        let owner = &repository.owner;
        let org = json!({
            "id": owner.id, "login": owner.login, "gravatar_id": "",
            "url": format!("https://api.github.com/orgs/{}", owner.login),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{}?", owner.id),
        });
        event.insert("org".to_owned(), org);
    }
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::{BTreeMap, HashSet};

    fn events(count: u64) -> Vec<Value> {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        (0..count).map(|sequence| serde_json::from_str(&render(1, sequence, at)).unwrap()).collect()
    }

    #[test]
    fn the_same_seed_and_number_give_the_same_bytes_and_another_seed_does_not() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(render(1, 77, at), render(1, 77, at));
        assert_ne!(render(1, 77, at), render(2, 77, at));
    }

    #[test]
    fn the_shares_sum_to_a_thousand_and_the_feed_keeps_them() {
        assert_eq!(KINDS.iter().map(|(_, _, share)| share).sum::<u64>(), 1_000);
        let mut seen = BTreeMap::new();
        for event in events(20_000) {
            *seen.entry(event["type"].as_str().unwrap().to_owned()).or_insert(0_u64) += 1;
        }
        for (_, name, share) in KINDS {
            let count = seen.get(name).copied().unwrap_or_default();
            let expected = share * 20;
            assert!(count.abs_diff(expected) <= expected / 4 + 18, "{name}: {count}, expected about {expected}");
        }
    }

    #[test]
    fn a_few_repositories_have_much_of_the_traffic_and_many_have_a_little() {
        let mut by_repository = BTreeMap::new();
        for event in events(10_000) {
            *by_repository.entry(event["repo"]["id"].as_u64().unwrap()).or_insert(0_u64) += 1;
        }
        let busiest = by_repository.values().max().copied().unwrap();
        assert!(busiest > 400, "the busiest has {busiest} of 10,000");
        assert!(by_repository.len() > 2_000, "{} repositories", by_repository.len());
    }

    #[test]
    fn ids_are_numeric_strings_unique_and_not_in_the_order_of_time() {
        let ids: Vec<u64> = events(5_000).iter().map(|event| event["id"].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.windows(2).any(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn a_push_has_the_payload_of_2026_without_size_and_commits() {
        let events = events(200);
        let push = events.iter().find(|event| event["type"] == "PushEvent").unwrap();
        let keys: Vec<&str> = push["payload"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["repository_id", "push_id", "ref", "head", "before"]);
        assert_eq!(push["payload"]["repository_id"], push["repo"]["id"]);
    }
}
