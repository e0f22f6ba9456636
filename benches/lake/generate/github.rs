//! Events as GitHub's API serves them. An event is made once as a template; what differs from event to event
//! (repository, actor, hashes, numbers, time) is filled in, so that making them is fast and the columns stay as
//! incompressible as real ones.

use std::io::Write;

use super::{Chance, Values, time};

mod shape;

/// How many of 1,000 events are of a type.
const SHARES: [(&str, usize); 15] = [
    ("PushEvent", 540),
    ("CreateEvent", 120),
    ("PullRequestEvent", 80),
    ("WatchEvent", 80),
    ("IssueCommentEvent", 60),
    ("DeleteEvent", 30),
    ("PullRequestReviewEvent", 30),
    ("IssuesEvent", 20),
    ("PullRequestReviewCommentEvent", 15),
    ("ForkEvent", 12),
    ("ReleaseEvent", 8),
    ("MemberEvent", 2),
    ("GollumEvent", 1),
    ("CommitCommentEvent", 1),
    ("PublicEvent", 1),
];

/// Templates of each type.
const VARIANTS: usize = 400;
const ACTORS: u64 = 60_000;
const ORGANISATIONS: u64 = 8_000;
const REPOSITORIES: u64 = 40_000;

/// A part of a template: text as it stands, or what is filled in.
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Clone, Copy)]
enum Field {
    Id,
    Actor,
    ActorId,
    Repository,
    RepositoryId,
    Organisation,
    Number,
    Sha,
    OtherSha,
    Tail,
    Time,
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "actor" => Self::Actor,
            "actor_id" => Self::ActorId,
            "repo" => Self::Repository,
            "repo_id" => Self::RepositoryId,
            "org" => Self::Organisation,
            "number" => Self::Number,
            "sha" => Self::Sha,
            "sha2" => Self::OtherSha,
            "tail" => Self::Tail,
            "time" => Self::Time,
            _ => return None,
        })
    }
}

/// Splits at `%(name)s`.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut parts = text.split("%(");
    pieces.extend(parts.next().map(|first| Piece::Text(first.to_owned())));
    for part in parts {
        let (name, rest) = part.split_once(")s").unwrap_or((part, ""));
        match Field::named(name) {
            Some(field) => pieces.push(Piece::Field(field)),
            None => pieces.push(Piece::Text(name.to_owned())),
        }
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// Makes them.
pub(crate) struct Github {
    chance: Chance,
    /// By type, as many templates as [`VARIANTS`].
    templates: Vec<Vec<Vec<Piece>>>,
    /// 1,000 positions in `templates`.
    types: Vec<usize>,
    actors: Vec<String>,
    repositories: Vec<(String, String)>,
    number: u64,
    count: u64,
}

impl Github {
    pub(crate) fn new(count: u64) -> Self {
        let mut chance = Chance::new(1);
        let mut templates = Vec::new();
        let mut types = Vec::new();
        for (position, (kind, share)) in SHARES.iter().enumerate() {
            templates.push((0..VARIANTS).map(|_| pieces(&shape::event(kind, &mut chance))).collect());
            types.extend(std::iter::repeat_n(position, *share));
        }
        let actors = (0..ACTORS).map(|n| format!("{}{n:05}", chance.words(1, '-'))).collect();
        let organisations: Vec<String> = (0..ORGANISATIONS).map(|n| format!("{}-{n}", chance.words(2, '-'))).collect();
        let repository = |_| {
            let owner = usize::try_from(chance.below(ORGANISATIONS)).ok().and_then(|owner| organisations.get(owner));
            let owner = owner.map_or("", String::as_str);
            (owner.to_owned(), format!("{owner}/{}", chance.words(2, '-')))
        };
        let repositories = (0..REPOSITORIES).map(repository).collect();
        Self { chance, templates, types, actors, repositories, number: 0, count }
    }
}

impl Values for Github {
    fn next(&mut self, value: &mut Vec<u8>) {
        let (bits, more) = (self.chance.bits(), [self.chance.bits(), self.chance.bits(), self.chance.bits()]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of `of`")]
        let rank = |share: f64, power: i32, of: u64| (share.powi(power) * of as f64) as usize;
        // A few are far busier than the rest.
        let actor = rank(self.chance.share(), 2, ACTORS);
        let repository = rank(self.chance.share(), 3, REPOSITORIES);
        let kind = self.types.get((bits % 1_000) as usize).copied().unwrap_or(0);
        let variants = self.templates.get(kind);
        let template = variants.and_then(|variants| variants.get((bits >> 10) as usize % VARIANTS));
        let mut at = String::new();
        let _ms = time(self.number, self.count, &mut at);
        let actor_name = self.actors.get(actor).map_or("", String::as_str);
        let (organisation, name) = self.repositories.get(repository).map_or(("", ""), |(org, name)| (org, name));
        let [head, middle, tail] = more;
        value.clear();
        for piece in template.into_iter().flatten() {
            // Writing to a Vec cannot fail.
            let _ = match piece {
                Piece::Text(text) => value.write_all(text.as_bytes()),
                Piece::Field(field) => match field {
                    Field::Id => write!(value, "{}", 40_000_000_000 + self.number),
                    Field::Actor => value.write_all(actor_name.as_bytes()),
                    Field::ActorId => write!(value, "{}", actor * 37 + 1_000),
                    Field::Repository => value.write_all(name.as_bytes()),
                    Field::RepositoryId => write!(value, "{}", repository * 11 + 5_000),
                    Field::Organisation => value.write_all(organisation.as_bytes()),
                    Field::Number => write!(value, "{}", bits >> 20 & 0xFFFF),
                    Field::Sha => write!(value, "{head:016x}{middle:016x}{:08x}", tail >> 32),
                    Field::OtherSha => write!(value, "{tail:016x}{head:016x}{:08x}", middle >> 32),
                    Field::Tail => write!(value, "{:015x}", tail >> 4),
                    Field::Time => write!(value, "{at}Z"),
                },
            };
        }
        self.number += 1;
    }
}
