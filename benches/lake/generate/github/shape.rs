//! The JSON of one event with `%(name)s` where something is filled in, by the event's type. A text of only `@%(name)s`
//! stands for a number.

use serde_json::{Value, json};

use super::Chance;

const API: &str = "https://api.github.com/repos/%(repo)s";

/// A template of this type.
pub(super) fn event(kind: &str, chance: &mut Chance) -> String {
    let mut event = json!({
        "id": "%(id)s", "type": kind,
        "actor": {"id": "@%(actor_id)s", "login": "%(actor)s", "display_login": "%(actor)s", "gravatar_id": "",
            "url": "https://api.github.com/users/%(actor)s",
            "avatar_url": "https://avatars.githubusercontent.com/u/%(actor_id)s?"},
        "repo": {"id": "@%(repo_id)s", "name": "%(repo)s", "url": API},
        "payload": payload(kind, chance), "public": true, "created_at": "%(time)s",
    });
    if chance.below(4) == 0
        && let Some(fields) = event.as_object_mut()
    {
        let organisation = json!({"id": "@%(repo_id)s", "login": "%(org)s", "gravatar_id": "",
            "url": "https://api.github.com/orgs/%(org)s"});
        fields.insert("org".to_owned(), organisation);
    }
    let mut text = event.to_string();
    for name in ["id", "number", "actor_id", "repo_id"] {
        text = text.replace(&format!("\"@%({name})s\""), &format!("%({name})s"));
    }
    text
}

fn text(chance: &mut Chance, from: u64, to: u64) -> String {
    let words = chance.within(from, to);
    chance.words(words, ' ')
}

fn user() -> Value {
    json!({"login": "%(actor)s", "id": "@%(actor_id)s", "node_id": "MDQ6VXNlc%(number)s", "type": "User",
        "site_admin": false, "avatar_url": "https://avatars.githubusercontent.com/u/%(actor_id)s?v=4",
        "html_url": "https://github.com/%(actor)s", "url": "https://api.github.com/users/%(actor)s",
        "repos_url": "https://api.github.com/users/%(actor)s/repos"})
}

fn issue(chance: &mut Chance, kind: &str) -> Value {
    json!({"url": format!("{API}/{kind}/%(number)s"), "html_url": format!("https://github.com/%(repo)s/{kind}/%(number)s"),
        "id": "@%(id)s", "number": "@%(number)s", "state": chance.pick(&["open", "closed"]), "locked": false,
        "title": text(chance, 8, 8), "user": user(), "body": text(chance, 20, 160), "comments": chance.below(41),
        "labels": [], "comments_url": format!("{API}/{kind}/%(number)s/comments"),
        "events_url": format!("{API}/{kind}/%(number)s/events"), "created_at": "%(time)s", "updated_at": "%(time)s",
        "closed_at": null, "author_association": "CONTRIBUTOR"})
}

/// One side of a pull request.
fn side(chance: &mut Chance, sha: &str) -> Value {
    let language = chance.pick(&[Some("Rust"), Some("Go"), Some("Python"), None]).flatten();
    json!({"label": format!("%(actor)s:{}", chance.words(1, ' ')), "ref": chance.words(2, '-'), "sha": sha, "user": user(),
        "repo": {"id": "@%(id)s", "name": "%(repo)s", "private": false, "url": API, "language": language, "fork": false}})
}

fn pull(chance: &mut Chance) -> Value {
    let mut pull = issue(chance, "pulls");
    let more = json!({"diff_url": "https://github.com/%(repo)s/pull/%(number)s.diff", "merge_commit_sha": "%(sha)s",
        "draft": false, "commits_url": format!("{API}/pulls/%(number)s/commits"),
        "statuses_url": format!("{API}/statuses/%(sha2)s"), "head": side(chance, "%(sha2)s"),
        "base": side(chance, "%(sha)s"), "merged": false, "additions": chance.within(1, 900),
        "deletions": chance.below(401)});
    join(&mut pull, more);
    pull
}

fn comment(chance: &mut Chance) -> Value {
    json!({"url": format!("{API}/comments/%(id)s"), "id": "@%(id)s", "user": user(), "body": text(chance, 15, 120),
        "commit_id": "%(sha)s", "created_at": "%(time)s", "updated_at": "%(time)s", "author_association": "MEMBER"})
}

fn comment_with(chance: &mut Chance, more: Value) -> Value {
    let mut comment = comment(chance);
    join(&mut comment, more);
    comment
}

fn join(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

fn commit(chance: &mut Chance, number: u64) -> Value {
    let sha = if number == 0 { "%(sha)s".to_owned() } else { format!("{:025x}%(tail)s", chance.bits()) };
    json!({"sha": sha, "distinct": true,
        "author": {"email": "%(actor)s@users.noreply.github.com", "name": "%(actor)s"},
        "message": text(chance, 5, 25), "url": format!("{API}/commits/%(sha)s")})
}

fn payload(kind: &str, chance: &mut Chance) -> Value {
    match kind {
        "PushEvent" => {
            let count = chance.pick(&[1, 1, 2, 3, 4, 6, 8]).unwrap_or(1);
            let commits: Vec<Value> = (0..count).map(|number| commit(chance, number)).collect();
            json!({"repository_id": "@%(number)s", "push_id": "@%(id)s", "size": count, "distinct_size": count,
                "ref": "refs/heads/main", "head": "%(sha)s", "before": "%(sha2)s", "commits": commits})
        }
        "CreateEvent" | "DeleteEvent" => json!({"ref": chance.words(2, '-'),
            "ref_type": chance.pick(&["branch", "branch", "tag"]), "master_branch": "main",
            "description": text(chance, 4, 20), "pusher_type": "user"}),
        "PullRequestEvent" => json!({"action": chance.pick(&["opened", "closed", "synchronize"]),
            "number": "@%(number)s", "pull_request": pull(chance)}),
        "PullRequestReviewEvent" => json!({"action": "created",
            "review": comment_with(chance, json!({"state": "approved"})), "pull_request": pull(chance)}),
        "PullRequestReviewCommentEvent" => {
            let more = json!({"path": "src/lib.rs", "diff_hunk": text(chance, 60, 60)});
            json!({"action": "created", "comment": comment_with(chance, more), "pull_request": pull(chance)})
        }
        "IssueCommentEvent" => {
            json!({"action": "created", "issue": issue(chance, "issues"), "comment": comment(chance)})
        }
        "IssuesEvent" => json!({"action": chance.pick(&["opened", "closed"]), "issue": issue(chance, "issues")}),
        "ForkEvent" => json!({"forkee": {"id": "@%(id)s", "full_name": "%(actor)s/fork", "owner": user(),
            "description": text(chance, 15, 15), "fork": true, "created_at": "%(time)s", "pushed_at": "%(time)s",
            "forks_url": format!("{API}/forks"), "keys_url": format!("{API}/keys"), "hooks_url": format!("{API}/hooks"),
            "tags_url": format!("{API}/tags"), "trees_url": format!("{API}/git/trees"), "size": chance.within(1, 9_999)}}),
        "ReleaseEvent" => json!({"action": "published", "release": {"id": "@%(id)s",
            "tag_name": format!("v{}.{}.0", chance.below(10), chance.below(31)), "author": user(),
            "body": text(chance, 50, 300), "created_at": "%(time)s", "assets": []}}),
        "CommitCommentEvent" => json!({"action": "created", "comment": comment(chance)}),
        "MemberEvent" => json!({"action": "added", "member": user()}),
        "GollumEvent" => json!({"pages": [{"page_name": "Home", "action": "edited", "sha": "%(sha)s"}]}),
        "WatchEvent" => json!({"action": "started"}),
        _ => json!({}),
    }
}
