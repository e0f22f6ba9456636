//! `SourceAccessConfigurations` of Kafka triggers: how to log in, with secrets that are read when the stack starts.

use super::{
    error::Fault,
    fields::Fields,
    spec::{KafkaAccess, KafkaAuthentication},
};

const KEY: &str = "SourceAccessConfigurations";

/// Where the pollers stand in a network; there is one network here.
const NETWORK: [&str; 2] = ["VPC_SECURITY_GROUP", "VPC_SUBNET"];

/// What Lambda accepts for an MSK cluster.
const MSK: [&str; 4] = ["CLIENT_CERTIFICATE_TLS_AUTH", "SASL_SCRAM_512_AUTH", NETWORK[0], NETWORK[1]];

/// What Lambda accepts for any other cluster.
const SELF_MANAGED: [&str; 7] = [
    "BASIC_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "SASL_SCRAM_256_AUTH",
    "SASL_SCRAM_512_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
    NETWORK[0],
    NETWORK[1],
];

/// Reads the list. A secret's place that has no local value is an error only when the login is used.
///
/// # Errors
/// A type that Lambda does not take for this kind of cluster, or two logins.
pub(super) fn access(fields: &Fields<'_, '_>, msk: bool) -> Result<KafkaAccess, Fault> {
    let accepted: &[&'static str] = if msk { &MSK } else { &SELF_MANAGED };
    let mut access = KafkaAccess::default();
    fields.each(KEY, |item| {
        item.only(&["Type", "URI"], &[])?;
        let kind = item.word("Type", accepted)?.ok_or_else(|| item.missing("Type"))?;
        if NETWORK.contains(&kind) {
            return Ok(());
        }
        if item.entry("URI").is_none() {
            return Err(item.missing("URI"));
        }
        let secret = item.required("URI").map_err(|fault| {
            let place = fault.position;
            format!("line {}:{}: {}", place.line, place.column, fault.message)
        });
        let twice = || item.fault("Type", format!("{kind} stands beside another one of its sort; accepted: one"));
        let authentication = match kind {
            "SERVER_ROOT_CA_CERTIFICATE" => {
                return if access.root_certificate.replace(secret).is_some() { Err(twice()) } else { Ok(()) };
            }
            "BASIC_AUTH" => KafkaAuthentication::Plain,
            "SASL_SCRAM_256_AUTH" => KafkaAuthentication::ScramSha256,
            "SASL_SCRAM_512_AUTH" => KafkaAuthentication::ScramSha512,
            _ => KafkaAuthentication::ClientCertificate,
        };
        if access.login.replace((authentication, secret)).is_some() { Err(twice()) } else { Ok(()) }
    })?;
    Ok(access)
}
