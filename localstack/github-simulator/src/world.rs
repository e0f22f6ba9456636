//! Who acts and on what: accounts and repositories, each a pure function of the seed and its rank.

use crate::random::Random;
use serde_json::{Value, json};

/// 2^16 accounts and 2^15 repositories; low ranks are the busy ones.
const ACTOR_OCTAVES: u32 = 16;
const REPOSITORY_OCTAVES: u32 = 15;
const OWNERS: u64 = 16_384;

const PURPOSE_ACTOR: u64 = 0xAC;
const PURPOSE_OWNER: u64 = 0x0E;
const PURPOSE_REPOSITORY: u64 = 0x4E;

const BOTS: &[&str] =
    &["github-actions[bot]", "dependabot[bot]", "renovate[bot]", "pre-commit-ci[bot]", "codecov[bot]"];
const GIVEN: &[&str] = &[
    "ada", "alex", "amara", "anders", "bea", "carlos", "chen", "dario", "elif", "emeka", "fatima", "finn", "grace",
    "hana", "igor", "ines", "jakub", "joao", "kai", "lena", "linh", "marta", "mei", "nils", "olga", "omar", "priya",
    "rosa", "sam", "tariq", "uma", "vera", "wei", "yara", "yuki", "zoe",
];
pub(crate) const WORDS: &[&str] = &[
    "batch", "branch", "broker", "bucket", "cache", "catalog", "cluster", "column", "commit", "config", "cursor",
    "deploy", "driver", "editor", "engine", "event", "field", "filter", "graph", "handler", "header", "index",
    "kernel", "ledger", "limit", "memory", "merge", "metric", "module", "offset", "page", "parser", "pipeline",
    "plugin", "proxy", "query", "queue", "reader", "record", "replica", "request", "response", "retry", "schema",
    "segment", "shard", "snapshot", "storage", "stream", "table", "thread", "timeout", "token", "topic", "writer",
];
const VERBS: &[&str] = &[
    "add", "allow", "avoid", "bump", "document", "fix", "improve", "move", "refactor", "remove", "rename", "test",
    "update",
];
const LANGUAGES: &[&str] = &["Rust", "Go", "Python", "TypeScript", "JavaScript", "Java", "C++", "C", "Shell", "Kotlin"];

/// An account, a person's or a bot's.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) login: String,
}

/// A repository with its owner.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) owner: Account,
    pub(crate) owned_by_organisation: bool,
    pub(crate) language: &'static str,
    pub(crate) default_branch: &'static str,
}

/// The account of a rank. The first few ranks are the bots that push half of the world's commits.
pub(crate) fn account(seed: u64, rank: u64) -> Account {
    let mut random = Random::new(seed, PURPOSE_ACTOR, rank);
    let bot = usize::try_from(rank).ok().and_then(|rank| BOTS.get(rank));
    let login = match bot {
        Some(bot) => (*bot).to_owned(),
        None => format!("{}{}{}", random.pick(GIVEN), random.pick(&["", "-", "-dev-", "codes", "x"]), rank),
    };
    Account { id: 1_000 + rank * 2_741, login }
}

/// The repository of a rank. Each owner has a repository for each of its own names, so names are unique.
pub(crate) fn repository(seed: u64, rank: u64) -> Repository {
    let owner_rank = rank % OWNERS;
    let mut owner_random = Random::new(seed, PURPOSE_OWNER, owner_rank);
    let owned_by_organisation = owner_random.per_mille(350);
    let owner = if owned_by_organisation {
        let login =
            format!("{}-{}-{owner_rank}", owner_random.pick(WORDS), owner_random.pick(&["labs", "hq", "io", "org"]));
        Account { id: 900_000_000 + owner_rank * 17, login }
    } else {
        account(seed, 100 + owner_rank * 3)
    };
    let mut random = Random::new(seed, PURPOSE_REPOSITORY, rank);
    let name = match rank / OWNERS {
        0 => format!("{}-{}", random.pick(WORDS), random.pick(WORDS)),
        ordinal => format!("{}-{}{ordinal}", random.pick(WORDS), random.pick(&["kit", "rs", "js", "tools", "demo"])),
    };
    Repository {
        id: 40_000_000 + rank * 25_013,
        full_name: format!("{}/{name}", owner.login),
        name,
        owner,
        owned_by_organisation,
        language: random.pick(LANGUAGES),
        default_branch: if random.per_mille(850) { "main" } else { "master" },
    }
}

/// A repository by Zipf's law, and who acts on it: mostly its owner, else anybody.
pub(crate) fn scene(seed: u64, random: &mut Random) -> (Account, Repository) {
    let repository = repository(seed, random.zipf(REPOSITORY_OCTAVES));
    let by_owner = !repository.owned_by_organisation && random.per_mille(500);
    let actor = if by_owner { repository.owner.clone() } else { account(seed, random.zipf(ACTOR_OCTAVES)) };
    (actor, repository)
}

/// Any account, for the second person of an event.
pub(crate) fn someone(seed: u64, random: &mut Random) -> Account {
    account(seed, random.zipf(ACTOR_OCTAVES))
}

/// `words` words of filler with a full stop here and there.
pub(crate) fn prose(random: &mut Random, words: u64) -> String {
    let mut text = String::new();
    for word in 0..words {
        if word > 0 {
            text.push_str(if random.per_mille(80) { ". " } else { " " });
        }
        text.push_str(if random.per_mille(250) { random.pick(VERBS) } else { random.pick(WORDS) });
    }
    text
}

/// A title such as "Fix timeout in shard reader".
pub(crate) fn title(random: &mut Random) -> String {
    let verb = random.pick(VERBS);
    let (first, rest) = verb.split_at(1);
    format!("{}{rest} {} in {} {}", first.to_uppercase(), random.pick(WORDS), random.pick(WORDS), random.pick(WORDS))
}

/// A branch such as "fix/shard-timeout".
pub(crate) fn branch(random: &mut Random) -> String {
    format!("{}/{}-{}", random.pick(&["feature", "fix", "chore", "docs"]), random.pick(WORDS), random.pick(WORDS))
}

/// The account as GitHub nests it in issues, comments and releases.
pub(crate) fn user(account: &Account) -> Value {
    let Account { id, login } = account;
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({
        "login": login, "id": id, "node_id": format!("U_kgDO{id:08x}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "gravatar_id": "",
        "url": format!("https://api.github.com/users/{login}"), "html_url": format!("https://github.com/{login}"),
        "followers_url": format!("https://api.github.com/users/{login}/followers"),
        "repos_url": format!("https://api.github.com/users/{login}/repos"),
        "events_url": format!("https://api.github.com/users/{login}/events{{/privacy}}"),
        "type": kind, "user_view_type": "public", "site_admin": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn ids_and_names_are_unique() {
        let mut names = HashMap::new();
        let mut ids = HashMap::new();
        for rank in 0..1 << REPOSITORY_OCTAVES {
            let repository = repository(7, rank);
            assert_eq!(names.insert(repository.full_name.clone(), rank), None, "{}", repository.full_name);
            assert_eq!(ids.insert(repository.id, rank), None);
        }
        let mut logins = HashMap::new();
        for rank in 0..1 << ACTOR_OCTAVES {
            assert_eq!(logins.insert(account(7, rank).login, rank), None);
        }
    }
}
