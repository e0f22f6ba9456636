//! The `payload` of each event type, in the shapes that the API has sent since October 2025: a push has neither `size`
//! nor `commits`, and a pull request is cut to its address, number, head and base.

use crate::event::Kind;
use crate::random::Random;
use crate::world::{Account, Repository, WORDS, branch, prose, someone, title, user};
use serde_json::{Value, json};

/// What the payload has in common with its envelope.
pub(crate) struct Scene<'a> {
    pub(crate) seed: u64,
    pub(crate) actor: &'a Account,
    pub(crate) repository: &'a Repository,
    pub(crate) created_at: &'a str,
}

pub(crate) fn of(kind: Kind, scene: &Scene<'_>, random: &mut Random) -> Value {
    match kind {
        Kind::Push => push(scene, random),
        Kind::Create => create(scene, random),
        Kind::Delete => delete(random),
        Kind::PullRequest => pull_request_event(scene, random),
        Kind::PullRequestReview => review(scene, random),
        Kind::PullRequestReviewComment => review_comment(scene, random),
        Kind::Issues => {
            let action = random.pick(&["opened", "opened", "closed", "closed", "reopened", "labeled"]);
            json!({"action": action, "issue": issue(scene, random, action == "closed")})
        }
        Kind::IssueComment => {
            let closed = random.per_mille(200);
            json!({"action": "created", "issue": issue(scene, random, closed), "comment": comment(scene, random, "issues")})
        }
        Kind::Watch => json!({"action": "started"}),
        Kind::Fork => json!({"action": "forked", "forkee": forkee(scene, random)}),
        Kind::Release => json!({"action": "published", "release": release(scene, random)}),
        Kind::Member => json!({"member": user(&someone(scene.seed, random)), "action": "added"}),
        Kind::Gollum => gollum(scene, random),
        Kind::CommitComment => json!({"action": "created", "comment": commit_comment(scene, random)}),
        Kind::Public => json!({}),
        Kind::Discussion => json!({"action": "created", "discussion": discussion(scene, random)}),
    }
}

fn api(scene: &Scene<'_>) -> String {
    format!("https://api.github.com/repos/{}", scene.repository.full_name)
}

fn html(scene: &Scene<'_>) -> String {
    format!("https://github.com/{}", scene.repository.full_name)
}

fn push(scene: &Scene<'_>, random: &mut Random) -> Value {
    let name = if random.per_mille(650) { scene.repository.default_branch.to_owned() } else { branch(random) };
    json!({
        "repository_id": scene.repository.id, "push_id": random.between(29_000_000_000, 39_999_999_999),
        "ref": format!("refs/heads/{name}"), "head": random.sha(), "before": random.sha(),
    })
}

fn create(scene: &Scene<'_>, random: &mut Random) -> Value {
    let kind = random.pick(&["branch", "branch", "branch", "tag", "repository"]);
    let (name, full) = match kind {
        "tag" => (json!(version(random)), "refs/tags/"),
        "branch" => (json!(branch(random)), "refs/heads/"),
        _ => (Value::Null, ""),
    };
    let words = random.between(4, 14);
    json!({
        "ref": name, "ref_type": kind, "full_ref": format!("{full}{}", name.as_str().unwrap_or_default()),
        "master_branch": scene.repository.default_branch, "description": prose(random, words), "pusher_type": "user",
    })
}

fn delete(random: &mut Random) -> Value {
    let (kind, name, full) = if random.per_mille(950) {
        ("branch", branch(random), "refs/heads/")
    } else {
        ("tag", version(random), "refs/tags/")
    };
    json!({"ref": name, "ref_type": kind, "full_ref": format!("{full}{name}"), "pusher_type": "user"})
}

fn version(random: &mut Random) -> String {
    format!("v{}.{}.{}", random.below(6), random.below(30), random.below(12))
}

fn number(random: &mut Random) -> u64 {
    // A project's issue numbers are mostly small.
    random.zipf(14) + 1
}

fn pull_request(scene: &Scene<'_>, random: &mut Random, number: u64) -> Value {
    let Repository { id, name, default_branch, .. } = scene.repository;
    let repository = json!({"id": id, "url": api(scene), "name": name});
    json!({
        "url": format!("{}/pulls/{number}", api(scene)), "id": random.between(2_000_000_000, 4_999_999_999), "number": number,
        "head": {"ref": branch(random), "sha": random.sha(), "repo": repository},
        "base": {"ref": default_branch, "sha": random.sha(), "repo": repository},
    })
}

fn pull_request_event(scene: &Scene<'_>, random: &mut Random) -> Value {
    let action = random.pick(&["opened", "opened", "opened", "merged", "merged", "closed", "reopened", "labeled"]);
    let number = number(random);
    json!({"action": action, "number": number, "pull_request": pull_request(scene, random, number)})
}

fn review(scene: &Scene<'_>, random: &mut Random) -> Value {
    let number = number(random);
    let id = random.between(2_000_000_000, 4_999_999_999);
    let words = random.below(40);
    json!({
        "action": random.pick(&["created", "created", "created", "updated", "dismissed"]),
        "review": {
            "id": id, "node_id": format!("PRR_kwDO{id:08x}"), "user": user(scene.actor), "body": prose(random, words),
            "commit_id": random.sha(), "submitted_at": scene.created_at, "updated_at": scene.created_at,
            "state": random.pick(&["approved", "approved", "commented", "commented", "changes_requested"]),
            "html_url": format!("{}/pull/{}#pullrequestreview-{id}", html(scene), number),
            "pull_request_url": format!("{}/pulls/{number}", api(scene)),
        },
        "pull_request": pull_request(scene, random, number),
    })
}

fn review_comment(scene: &Scene<'_>, random: &mut Random) -> Value {
    let number = number(random);
    let line = random.between(8, 40);
    let more = json!({
        "path": format!("src/{}/{}.rs", random.pick(WORDS), random.pick(WORDS)), "commit_id": random.sha(), "line": line,
        "side": "RIGHT", "diff_hunk": format!("@@ -{line},6 +{line},9 @@ {}", prose(random, line)),
    });
    let comment = extend(comment(scene, random, "pulls"), more);
    json!({"action": "created", "comment": comment, "pull_request": pull_request(scene, random, number)})
}

/// The object with the fields of another one after its own.
fn extend(object: Value, more: Value) -> Value {
    match (object, more) {
        (Value::Object(mut object), Value::Object(more)) => {
            object.extend(more);
            Value::Object(object)
        }
        (object, _) => object,
    }
}

fn association(random: &mut Random) -> &'static str {
    random.pick(&["NONE", "NONE", "CONTRIBUTOR", "COLLABORATOR", "MEMBER", "OWNER"])
}

fn comment(scene: &Scene<'_>, random: &mut Random, place: &str) -> Value {
    let id = random.between(2_000_000_000, 4_999_999_999);
    let words = random.between(5, 140);
    json!({
        "url": format!("{}/{place}/comments/{id}", api(scene)), "html_url": format!("{}/issues#issuecomment-{id}", html(scene)),
        "id": id, "node_id": format!("IC_kwDO{id:08x}"), "user": user(scene.actor), "created_at": scene.created_at,
        "updated_at": scene.created_at, "body": prose(random, words), "author_association": association(random),
        "reactions": {"total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0, "heart": 0, "rocket": 0, "eyes": 0},
        "performed_via_github_app": null,
    })
}

fn issue(scene: &Scene<'_>, random: &mut Random, closed: bool) -> Value {
    let number = number(random);
    let id = random.between(2_000_000_000, 4_999_999_999);
    let at = format!("{}/issues/{number}", api(scene));
    let words = random.between(15, 200);
    json!({
        "url": at, "repository_url": api(scene), "comments_url": format!("{at}/comments"), "events_url": format!("{at}/events"),
        "html_url": format!("{}/issues/{number}", html(scene)), "id": id, "node_id": format!("I_kwDO{id:08x}"),
        "number": number, "title": title(random), "user": user(&someone(scene.seed, random)),
        "labels": [{"id": id / 7, "name": random.pick(&["bug", "enhancement", "question", "docs"]), "color": "d73a4a", "default": true}],
        "state": if closed { "closed" } else { "open" }, "locked": false, "assignees": [], "milestone": null,
        "comments": random.zipf(6), "created_at": scene.created_at, "updated_at": scene.created_at,
        "closed_at": closed.then_some(scene.created_at), "author_association": association(random),
        "body": prose(random, words), "state_reason": closed.then_some("completed"),
    })
}

fn forkee(scene: &Scene<'_>, random: &mut Random) -> Value {
    let login = &scene.actor.login;
    let name = &scene.repository.name;
    let words = random.between(4, 14);
    json!({
        "id": random.between(1_000_000_000, 1_299_999_999), "name": name, "full_name": format!("{login}/{name}"), "private": false,
        "owner": user(scene.actor), "html_url": format!("https://github.com/{login}/{name}"), "description": prose(random, words),
        "fork": true, "url": format!("https://api.github.com/repos/{login}/{name}"), "created_at": scene.created_at,
        "updated_at": scene.created_at, "pushed_at": scene.created_at, "size": random.zipf(17), "stargazers_count": 0,
        "watchers_count": 0, "language": scene.repository.language, "forks_count": 0, "open_issues_count": 0, "topics": [],
        "visibility": "public", "default_branch": scene.repository.default_branch, "public": true,
    })
}

fn release(scene: &Scene<'_>, random: &mut Random) -> Value {
    let id = random.between(200_000_000, 299_999_999);
    let tag = version(random);
    let words = random.between(20, 300);
    json!({
        "url": format!("{}/releases/{id}", api(scene)), "html_url": format!("{}/releases/tag/{tag}", html(scene)), "id": id,
        "author": user(scene.actor), "tag_name": tag, "target_commitish": scene.repository.default_branch, "name": tag,
        "draft": false, "immutable": false, "prerelease": random.per_mille(150), "created_at": scene.created_at,
        "published_at": scene.created_at, "assets": [], "body": prose(random, words),
    })
}

fn gollum(scene: &Scene<'_>, random: &mut Random) -> Value {
    let page = title(random);
    let slug = page.replace(' ', "-");
    json!({"pages": [{
        "page_name": slug, "title": page, "summary": null, "action": random.pick(&["created", "edited"]), "sha": random.sha(),
        "html_url": format!("{}/wiki/{slug}", html(scene)),
    }]})
}

fn commit_comment(scene: &Scene<'_>, random: &mut Random) -> Value {
    let more = json!({"commit_id": random.sha(), "path": null, "position": null});
    extend(comment(scene, random, "commits"), more)
}

fn discussion(scene: &Scene<'_>, random: &mut Random) -> Value {
    let number = number(random);
    let words = random.between(15, 150);
    json!({
        "id": random.between(6_000_000, 9_999_999), "number": number, "title": title(random), "user": user(scene.actor),
        "html_url": format!("{}/discussions/{number}", html(scene)), "state": "open", "locked": false, "comments": 0,
        "category": {"name": "Q&A", "slug": "q-a", "is_answerable": true}, "created_at": scene.created_at,
        "updated_at": scene.created_at, "body": prose(random, words),
    })
}
