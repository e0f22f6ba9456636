//! Who may use what: the own crates that each crate may link, the one home of each heavy library, the one place that
//! makes a client, and a domain without a world. ARCHITECTURE.md draws the same.

use super::{
    Faults,
    manifests::{Manifest, members},
    tree::{self, File},
};

/// The own crates that each crate may link. A function, and what stands in for a service, may link any of them but the
/// runner; nothing may link a function.
const MAP: [(&str, &[&str]); 8] = [
    ("crates/domain", &[]),
    ("crates/kit", &[]),
    ("crates/kafka", &["kit"]),
    ("crates/pg", &["kit"]),
    ("crates/shards", &["domain", "pg"]),
    // pg only for its tests' world, kit only for crash points.
    ("crates/lake", &["domain", "kit", "pg"]),
    ("crates/ingest", &["domain", "kafka", "kit", "lake", "pg"]),
    ("crates/local", &["kafka", "kit"]),
];

/// Libraries with one home: package (`x-*`: all that begin so), folders that may link it, whether tests elsewhere may.
const HOMES: [(&str, &[&str], bool); 13] = [
    ("rdkafka", &["crates/kafka", "crates/local"], true),
    ("iceberg", &["crates/lake"], false),
    ("iceberg-*", &["crates/lake"], false),
    // The benches hold the lake to a plain program that writes Parquet without it.
    ("parquet", &["crates/lake", "benches"], false),
    ("arrow", &["crates/lake", "benches"], false),
    ("arrow-*", &["crates/lake"], false),
    // Queries stand with the function that owns the table; pools are made by pg alone, see CLIENTS.
    ("sqlx", &["crates/pg", "crates/lake", "crates/ingest", "crates/shards", "functions/"], true),
    ("lambda_runtime", &["crates/kit"], false),
    ("lambda_http", &["crates/kit"], false),
    ("saphyr-*", &["crates/local"], false),
    // Where events go that a function gave up; functions themselves send to Kafka.
    ("aws-sdk-s3", &["crates/local"], false),
    ("aws-sdk-sns", &["crates/local"], false),
    ("aws-sdk-sqs", &["crates/local"], false),
];

/// Words that make a client, and the one folder in whose code they may stand. Tests may make their own.
const CLIENTS: [(&str, &str, &str); 6] = [
    ("ClientConfig::", "crates/kafka/", "take kafka::Config::client(), which knows addresses, TLS and SASL"),
    ("PgPoolOptions", "crates/pg/", "take pg::connect or pg::connect_lazy"),
    ("PgConnectOptions", "crates/pg/", "take pg::connect or pg::connect_lazy"),
    ("PgPool::connect", "crates/pg/", "take pg::connect or pg::connect_lazy"),
    ("aws_sdk_sqs::Client", "crates/local/src/destination/", "take destination::Destinations"),
    ("aws_sdk_secretsmanager::Client", "crates/kit/", "take kit::secrets::load"),
];

/// What the domain must not link: whatever waits, talks or throws dice.
const WORLDLY: [&str; 14] = [
    "tokio", "futures", "aws-*", "rdkafka", "sqlx", "reqwest", "http", "axum", "lambda_*", "iceberg*", "tracing*",
    "rand", "uuid", "tempfile",
];

/// What must not stand in the domain's code: a clock, a file, a variable of the environment.
const WORLD: [&str; 9] = [
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
];

#[test]
fn each_crate_links_only_the_own_crates_that_the_map_allows() {
    links(members()).assert_none();
}

#[test]
fn each_heavy_library_is_linked_at_home_only() {
    homes(members()).assert_none();
}

#[test]
fn clients_are_made_in_one_place() {
    clients(tree::files()).assert_none();
}

#[test]
fn the_domain_has_no_world() {
    let mut faults = Faults::default();
    let manifest = Manifest::at("crates/domain/Cargo.toml").unwrap();
    for dependency in manifest.dependencies().iter().filter(|dependency| !dependency.for_tests) {
        if WORLDLY.iter().any(|pattern| matches(pattern, dependency.package)) {
            let advice = "decide in domain, act in the function: pass in what the decision needs to know";
            faults.add(&manifest.path, format!("links {}", dependency.package), advice);
        }
    }
    faults.assert_none();
    world(tree::files()).assert_none();
}

#[test]
fn no_system_of_the_domain_uses_another() {
    systems(tree::files()).assert_none();
}

fn links(members: &[Manifest]) -> Faults {
    let mut faults = Faults::default();
    let own: Vec<(&str, &str)> = members.iter().map(|member| (member.name(), member.folder())).collect();
    for manifest in members {
        let folder = manifest.folder();
        let allowed = MAP.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed);
        if folder.starts_with("crates/") && allowed.is_none() {
            let advice = "add it to MAP in tests/it/tidy/boundaries.rs and to ARCHITECTURE.md";
            faults.add(&manifest.path, "is a crate that the map does not show", advice);
        }
        for dependency in manifest.dependencies() {
            let Some((_, target)) = own.iter().find(|(name, _)| *name == dependency.package) else { continue };
            let package = dependency.package;
            if target.starts_with("functions/") {
                let advice =
                    "move what both need to a crate: whoever links a function is built anew with each change to it";
                faults.add(&manifest.path, format!("links the function {package}"), advice);
            } else if *target == "crates/local" && !["benches", "tests"].contains(&folder) {
                faults.add(&manifest.path, "links the runner", "a function must not know what runs it");
            } else if !dependency.for_tests && allowed.is_some_and(|allowed| !allowed.contains(&package)) {
                let advice = "move the code to the side that may know the other, or change MAP and ARCHITECTURE.md";
                faults.add(&manifest.path, format!("links {package}, which the map does not allow"), advice);
            } else if folder == "crates/local" && !["kafka", "kit"].contains(&package) {
                let advice =
                    "the runner knows no system: keep what is of one in its functions, its services in localstack/";
                faults.add(&manifest.path, format!("links {package} for its tests"), advice);
            }
        }
    }
    faults
}

fn homes(members: &[Manifest]) -> Faults {
    let mut faults = Faults::default();
    for manifest in members {
        for dependency in manifest.dependencies() {
            for (pattern, folders, tests_may) in &HOMES {
                let at_home = folders.iter().any(|home| manifest.folder().starts_with(home.trim_end_matches('/')));
                if matches(pattern, dependency.package) && !at_home && !(dependency.for_tests && *tests_may) {
                    let advice =
                        format!("use it through {}: it costs minutes of building wherever it is linked", folders[0]);
                    faults.add(&manifest.path, format!("links {}", dependency.package), advice);
                }
            }
        }
    }
    faults
}

fn clients(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust() && file.path.contains("/src/")) {
        for (line, code) in file.code().take_while(|(line, _)| *line < file.tests_begin()) {
            for (word, home, advice) in
                CLIENTS.iter().filter(|(word, home, _)| code.contains(word) && !file.path.starts_with(home))
            {
                faults.add(format!("{}:{line}", file.path), format!("{word} outside {home}"), advice);
            }
        }
    }
    faults
}

fn world(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/domain/src/")) {
        for (line, code) in file.code() {
            for word in WORLD.iter().filter(|word| code.contains(**word)) {
                faults.add(format!("{}:{line}", file.path), format!("uses {word}"), "take it as an argument");
            }
        }
    }
    faults
}

/// A system is a module of the domain's lib.rs. `crate::other` and a `super` that leaves the system are found.
fn systems(files: &[File]) -> Faults {
    const SRC: &str = "crates/domain/src/";
    let lib = files.iter().find(|file| file.path == format!("{SRC}lib.rs")).unwrap();
    let systems: Vec<&str> =
        lib.code().filter_map(|(_, code)| code.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust() && file.path.starts_with(SRC)) {
        let module = file.path[SRC.len()..].trim_end_matches(".rs").trim_end_matches("/mod");
        // `lake_tests.rs` is `lake::tests`.
        let (module, is_tests) = module.strip_suffix("_tests").map_or((module, false), |module| (module, true));
        let path: Vec<&str> = module.split('/').collect();
        let others = || systems.iter().filter(|system| **system != path[0]);
        for (line, code) in file.code() {
            let in_tests = is_tests || line > file.tests_begin();
            let depth = path.len() + usize::from(in_tests);
            let foreign = after_crate(code).find(|word| others().any(|other| other == word));
            let leaves = (depth..depth + 8).any(|supers| code.contains(&"super::".repeat(supers)));
            if path != ["lib"] && (foreign.is_some() || leaves) {
                let found = format!("leaves the system {}: {}", path[0], code.trim());
                let advice = "systems do not know one another: pass the value in, or give both a module of their own";
                faults.add(format!("{}:{line}", file.path), found, advice);
            }
        }
    }
    faults
}

/// The words that follow `crate::` directly or in its braces.
fn after_crate(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).flat_map(|rest| {
        let end =
            if rest.starts_with('{') { rest.find('}') } else { rest.find(|c: char| !c.is_alphanumeric() && c != '_') };
        rest[..end.unwrap_or(rest.len())].split(|c: char| !c.is_alphanumeric() && c != '_')
    })
}

/// `aws-*` matches whatever begins so; other patterns the whole.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[test]
fn forbidden_links_are_found() {
    let member = |folder: &str, name: &str, dependencies: &str| {
        let text = format!("[package]\nname = \"{name}\"\n{dependencies}");
        Manifest::parse(&File::new(&format!("{folder}/Cargo.toml"), &text))
    };
    let tree = |member: Manifest| {
        let library =
            |folder: &str, name: &str| Manifest::parse(&File::new(folder, &format!("[package]\nname = \"{name}\"")));
        [member, library("functions/fn-a/Cargo.toml", "fn-a"), library("crates/domain/Cargo.toml", "domain")]
    };
    let link = |folder: &str, dependencies: &str| {
        let members = tree(member(folder, "under-test", dependencies));
        links(&members).places().len() + homes(&members).places().len()
    };
    assert_eq!(link("crates/lake", "[dependencies]\ndomain.workspace = true\niceberg.workspace = true"), 0);
    assert_eq!(link("functions/b", "[dependencies]\ndomain.workspace = true\nsqlx.workspace = true"), 0);
    assert_eq!(link("functions/b", "[dev-dependencies]\nrdkafka.workspace = true"), 0);
    assert_eq!(link("functions/b", "[dependencies]\nrdkafka.workspace = true"), 1);
    assert_eq!(link("functions/b", "[dependencies]\narrow-schema.workspace = true"), 1);
    assert_eq!(link("functions/b", "[dependencies]\nfn-a = { path = \"../fn-a\" }"), 1);
    assert_eq!(link("crates/local", "[dev-dependencies]\ndomain.workspace = true"), 1);
    assert_eq!(link("crates/kit", "[dependencies]\nd = { package = \"domain\", path = \"../domain\" }"), 1);
    assert_eq!(link("crates/unknown", ""), 1);
}

#[test]
fn a_system_that_leaves_itself_is_found() {
    let tree = |path: &str, text: &str| {
        let lib = File::new("crates/domain/src/lib.rs", "pub mod github;\npub mod lake;");
        systems(&[lib, File::new(&format!("crates/domain/src/{path}"), text)]).places().len()
    };
    for (path, fine) in [
        ("lake.rs", "use crate::lake::X;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
        ("lake_tests.rs", "use super::*;"),
        ("github/mod.rs", "use self::event::X;\n// crate::lake is not ours"),
        ("github/poll.rs", "use super::event::X;\nuse crate::github::event;"),
        ("github/poll/page.rs", "use super::super::event::X;\nuse super::{wait, X};"),
    ] {
        assert_eq!(tree(path, fine), 0, "{path}: {fine}");
    }
    for (path, foreign) in [
        ("lake.rs", "use super::github::X;"),
        ("lake.rs", "use crate::{lake::Y, github::X};"),
        ("lake_tests.rs", "use super::super::github::X;"),
        ("github/poll.rs", "use super::super::lake::X;"),
        ("github/poll.rs", "fn f() -> crate::lake::X {}"),
        ("github/poll/page.rs", "use super::super::super::lake::X;"),
    ] {
        assert_eq!(tree(path, foreign), 1, "{path}: {foreign}");
    }
}

#[test]
fn a_client_or_a_clock_in_the_wrong_place_is_found() {
    let file = |path: &str, text: &str| [File::new(path, text)];
    assert_eq!(clients(&file("functions/a/src/lib.rs", "let pool = PgPoolOptions::new();")).places().len(), 1);
    clients(&file("functions/a/src/lib.rs", "#[cfg(test)]\nmod tests { fn f() { PgPoolOptions::new() } }"))
        .assert_none();
    clients(&file("crates/pg/src/config.rs", "PgPoolOptions::new()")).assert_none();
    assert_eq!(world(&file("crates/domain/src/a.rs", "let now = Utc::now();")).places(), ["crates/domain/src/a.rs:1"]);
}
