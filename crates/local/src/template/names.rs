//! Names that are derived from logical ids, the same at every start.

use super::parameters::{ACCOUNT, REGION};

/// `GithubPoller` -> `github-poller`, `DBMigrator` -> `db-migrator`, `NumbersStage1` -> `numbers-stage1`.
pub fn kebab(id: &str) -> String {
    separated(id, '-')
}

/// `GithubQueryApi` -> `MILLRACE_PORT_GITHUB_QUERY_API`. A final `HttpApi` reads as `Api`, so that an API can stand
/// beside the function `GithubQueryApi` under the name `GithubQueryHttpApi` and keep the function's variable.
pub fn port_variable(id: &str) -> String {
    let id = id
        .strip_suffix("HttpApi")
        .filter(|rest| !rest.is_empty() && *rest != "Serverless")
        .map_or_else(|| id.to_owned(), |rest| format!("{rest}Api"));
    format!("MILLRACE_PORT_{}", separated(&id, '_').to_ascii_uppercase())
}

fn separated(id: &str, separator: char) -> String {
    let characters: Vec<char> = id.chars().collect();
    let mut out = String::with_capacity(id.len() + 8);
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        let after = characters.get(at + 1);
        let after_small = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let ends_acronym = before.is_some_and(char::is_ascii_uppercase) && after.is_some_and(char::is_ascii_lowercase);
        if character.is_ascii_uppercase() && (after_small || ends_acronym) {
            out.push(separator);
        }
        match character {
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ => out.push(separator),
        }
    }
    out
}

/// The ARN of a function.
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// The ARN of a schedule of EventBridge Scheduler, in the default group.
pub fn schedule_arn(name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}")
}

/// The ARN of an SQS queue.
pub fn sqs_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The ARN of an SNS topic.
pub fn sns_arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

/// The id of an Amazon MQ broker.
pub fn broker_id(name: &str) -> String {
    format!("b-{}", mapping_uuid(name))
}

/// The ARN of an Amazon MQ broker.
pub fn broker_arn(name: &str) -> String {
    format!("arn:aws:mq:{REGION}:{ACCOUNT}:broker:{name}:{}", broker_id(name))
}

/// The UUID of an event source mapping: from its logical id alone, because a consumer group without a name is named
/// after it, and must find its offsets again after a restart.
pub fn mapping_uuid(logical_id: &str) -> String {
    // FNV-1a, 128 bits.
    let hash = logical_id.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_ids_become_names() {
        for (id, name) in [
            ("GithubPoller", "github-poller"),
            ("DBMigrator", "db-migrator"),
            ("NumbersStage1", "numbers-stage1"),
            ("Stage1Writer", "stage1-writer"),
            ("HTTP", "http"),
            ("lower", "lower"),
        ] {
            assert_eq!(kebab(id), name, "{id}");
        }
    }

    #[test]
    fn port_variables() {
        for (id, variable) in [
            ("GithubQueryHttpApi", "MILLRACE_PORT_GITHUB_QUERY_API"),
            ("GithubQueryApi", "MILLRACE_PORT_GITHUB_QUERY_API"),
            ("ServerlessHttpApi", "MILLRACE_PORT_SERVERLESS_HTTP_API"),
            ("HttpApi", "MILLRACE_PORT_HTTP_API"),
        ] {
            assert_eq!(port_variable(id), variable, "{id}");
        }
    }

    #[test]
    fn a_mapping_keeps_its_uuid() {
        assert_eq!(mapping_uuid("GithubLakeWriterEvents"), mapping_uuid("GithubLakeWriterEvents"));
        assert_ne!(mapping_uuid("A"), mapping_uuid("B"));
    }
}
