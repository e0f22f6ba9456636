//! How a mapping logs in to its cluster: what `SourceAccessConfigurations` names, read from Secrets Manager.
//!
//! The template's login is for the cluster that the template means. The stack's own broker stands in for it, listens in
//! plain text and knows no users, so nothing is applied there; nor at a broker that the environment names in its place,
//! where the environment's login counts.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use kafka::{Config, Login, Mechanism};
use kit::{Secret, secrets};
use serde::Deserialize;

use crate::{
    mapping,
    template::spec::{KafkaAccess, KafkaAuthentication, KafkaMappingSpec, SecretId},
};

/// A user and a password, as AWS wants them in the secret.
#[derive(Deserialize)]
struct UserSecret {
    username: String,
    password: String,
}

/// A certificate with its key, in PEM.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientSecret {
    certificate: String,
    private_key: String,
    private_key_password: Option<String>,
}

/// A certificate in PEM.
#[derive(Deserialize)]
struct RootSecret {
    certificate: String,
}

/// The cluster that a mapping reads: the stack's own broker, or its servers with the template's login. `tell` hears when
/// a login is not applied.
///
/// # Errors
/// No broker runs that could stand in for an MSK cluster, or the secrets cannot be used.
pub async fn cluster(
    spec: &KafkaMappingSpec,
    own: Option<&Config>,
    variables: &BTreeMap<String, String>,
    tell: &impl Fn(&str),
) -> anyhow::Result<Config> {
    let (id, line) = (&spec.logical_id, spec.line);
    if !is_own_broker(spec, own) {
        return connect(spec, variables).await.with_context(|| format!("log in for mapping {id} (line {line})"));
    }
    // The template warns of an MSK cluster's.
    if spec.access.login.is_some() && spec.event_source_arn.is_none() {
        let why = if own.is_some_and(Config::logs_in) {
            "the environment has the login to this broker"
        } else {
            "the stack's own broker has no users"
        };
        let what = format!("SourceAccessConfigurations is not applied: {why}");
        tell(&format!("{id} (line {line}): {what}"));
    }
    match own {
        Some(own) if spec.bootstrap_servers.is_empty() => Ok(own.clone()),
        None => bail!("mapping {id} (line {line}) needs a Kafka broker, and none runs"),
        Some(own) => Ok(own.at(spec.bootstrap_servers.join(","))),
    }
}

/// Whether the servers are those of the stack's own broker; an MSK cluster's ARN means it too.
fn is_own_broker(spec: &KafkaMappingSpec, own: Option<&Config>) -> bool {
    let plain = |server: &str| server.trim().replace("localhost", "127.0.0.1");
    let own: Vec<String> = own.iter().flat_map(|own| own.bootstrap_servers.split(',')).map(plain).collect();
    spec.bootstrap_servers.is_empty() || spec.bootstrap_servers.iter().any(|server| own.contains(&plain(server)))
}

/// The mapping's servers with its login. The secrets are in the Secrets Manager that the stack's variables name; a
/// message names the secret, never its value.
async fn connect(spec: &KafkaMappingSpec, variables: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let servers = spec.bootstrap_servers.join(",");
    let KafkaAccess { login, root_certificate } = &spec.access;
    if login.is_none() && root_certificate.is_none() {
        return Ok(Config::plaintext(servers));
    }
    let manager = mapping::secrets(variables).await.context("no Secrets Manager: AWS_ENDPOINT_URL is not set")?;
    let load = async |id: &SecretId| {
        let id = id.clone().map_err(|error| anyhow!(error))?;
        let secret = secrets::load_from(&manager, &id).await?;
        anyhow::Ok((id, secret))
    };
    let login = match login {
        Some((kind, id)) => {
            let (id, secret) = load(id).await?;
            Some(read_login(*kind, &id, &secret)?)
        }
        None => None,
    };
    let root = match root_certificate {
        Some(id) => {
            let (id, secret) = load(id).await?;
            Some(parse::<RootSecret>(&id, &secret, r#"{"certificate"} (PEM)"#)?.certificate)
        }
        None => None,
    };
    Ok(Config::encrypted(servers, login, root))
}

fn read_login(kind: KafkaAuthentication, id: &str, secret: &Secret) -> anyhow::Result<Login> {
    let mechanism = match kind {
        KafkaAuthentication::Plain => Mechanism::Plain,
        KafkaAuthentication::ScramSha256 => Mechanism::ScramSha256,
        KafkaAuthentication::ScramSha512 => Mechanism::ScramSha512,
        KafkaAuthentication::ClientCertificate => {
            let form = r#"{"certificate", "privateKey"} (PEM), and "privateKeyPassword" for an encrypted key"#;
            let client: ClientSecret = parse(id, secret, form)?;
            return Ok(Login::Certificate {
                certificate: client.certificate,
                key: Secret::new(client.private_key),
                key_password: client.private_key_password.map(Secret::new),
            });
        }
    };
    let user: UserSecret = parse(id, secret, r#"{"username", "password"}"#)?;
    Ok(Login::Password { mechanism, username: user.username, password: Secret::new(user.password) })
}

/// What serde says of a secret may quote it, so only the form is named.
fn parse<'s, T: Deserialize<'s>>(id: &str, secret: &'s Secret, form: &str) -> anyhow::Result<T> {
    match serde_json::from_str(secret.expose()) {
        Ok(parsed) => Ok(parsed),
        Err(_) => bail!("secret {id} has another form than the JSON {form}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_another_form_is_named_and_not_shown() {
        let login = |kind, text: &str| read_login(kind, "arn:s", &Secret::new(text));
        for (kind, text, form) in [
            (KafkaAuthentication::Plain, r#"{"user":"hidden"}"#, "username"),
            (KafkaAuthentication::ScramSha512, "hidden", "password"),
            (KafkaAuthentication::ClientCertificate, r#"{"certificate":"hidden"}"#, "privateKey"),
        ] {
            let error = format!("{:#}", login(kind, text).unwrap_err());
            assert!(error.contains("secret arn:s has another form") && error.contains(form), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
        let pair = r#"{"username":"u","password":"p","engine":"more is fine"}"#;
        let found = login(KafkaAuthentication::ScramSha256, pair).unwrap();
        assert!(
            matches!(found, Login::Password { mechanism: Mechanism::ScramSha256, username, .. } if username == "u")
        );
    }
}
