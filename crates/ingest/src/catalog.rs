//! Which catalog the committer commits to, from the environment.

use kit::{Env, Secret};
use lake::{Authorization, CatalogConfig, CatalogKind};

/// Reads `LAKE_CATALOG_KIND` (`sql`, `rest`, `glue`, `s3tables`; `sql` when not set) and what that kind needs; `database`
/// is where the SQL catalog is. A REST catalog's token or credential comes from `LAKE_CATALOG_TOKEN` or
/// `LAKE_CATALOG_CREDENTIAL`, or from the secret that `LAKE_CATALOG_SECRET_ARN` names.
///
/// # Errors
/// When a variable is missing or malformed, or the secret cannot be read.
pub async fn load_catalog(database: &Secret) -> anyhow::Result<CatalogConfig> {
    let env = Env::from_process();
    let secret = match env.optional("LAKE_CATALOG_SECRET_ARN") {
        Some(arn) if kind(&env)? == CatalogKind::Rest => Some(kit::secrets::load(&arn).await?),
        _ => None,
    };
    read(&env, database, secret.as_ref())
}

fn kind(env: &Env) -> anyhow::Result<CatalogKind> {
    let kind = env.optional("LAKE_CATALOG_KIND").map(|text| text.parse().map_err(anyhow::Error::msg));
    Ok(kind.transpose()?.unwrap_or_default())
}

fn read(env: &Env, database: &Secret, secret: Option<&Secret>) -> anyhow::Result<CatalogConfig> {
    let given = (secret, env.optional("LAKE_CATALOG_TOKEN"), env.optional("LAKE_CATALOG_CREDENTIAL"));
    let authorization = match given {
        (None, None, None) => Authorization::None,
        (Some(secret), None, None) => Authorization::from_secret(secret.expose())?,
        (None, Some(token), None) => Authorization::Token(token),
        (None, None, Some(credential)) => Authorization::Credential(credential),
        _ => anyhow::bail!(
            "expected one of LAKE_CATALOG_SECRET_ARN, LAKE_CATALOG_TOKEN and LAKE_CATALOG_CREDENTIAL, found more"
        ),
    };
    CatalogConfig::read(kind(env)?, database.expose(), |name| env.optional(name), authorization)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)], secret: Option<&str>) -> anyhow::Result<CatalogConfig> {
        let env = Env::from_pairs(pairs.iter().copied());
        read(&env, &Secret::new("postgres://db/metadata"), secret.map(Secret::new).as_ref())
    }

    #[test]
    fn without_variables_it_is_the_sql_catalog() {
        assert_eq!(from(&[], None).unwrap().kind(), CatalogKind::Sql);
        let error = from(&[("LAKE_CATALOG_KIND", "hive")], None).unwrap_err().to_string();
        assert_eq!(error, "LAKE_CATALOG_KIND is \"hive\", expected sql, rest, glue or s3tables");
    }

    #[test]
    fn a_rest_catalog_has_one_way_to_log_in() {
        let rest = [("LAKE_CATALOG_KIND", "rest"), ("LAKE_CATALOG_URI", "http://c")];
        let authorization = |more: &[(&str, &str)], secret| match from(&[&rest, more].concat(), secret).unwrap() {
            CatalogConfig::Rest(rest) => rest.authorization,
            other => panic!("{other:?}"),
        };
        assert!(authorization(&[], None) == Authorization::None);
        assert!(authorization(&[], Some(r#"{"token":"t"}"#)) == Authorization::Token("t".to_owned()));
        let credential = authorization(&[("LAKE_CATALOG_CREDENTIAL", "a:b")], None);
        assert!(credential == Authorization::Credential("a:b".to_owned()));
        let both = [&rest[..], &[("LAKE_CATALOG_TOKEN", "t"), ("LAKE_CATALOG_CREDENTIAL", "a:b")]].concat();
        assert!(from(&both, None).unwrap_err().to_string().contains("expected one of LAKE_CATALOG_SECRET_ARN"));
    }
}
