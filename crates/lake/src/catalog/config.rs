//! Which catalog the table is in.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// The kinds of catalogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatalogKind {
    /// Tables in Postgres: our own, no service beside it.
    #[default]
    Sql,
    /// Any server of Iceberg's REST protocol.
    Rest,
    /// AWS Glue's Data Catalog.
    Glue,
    /// Amazon S3 Tables.
    S3Tables,
}

impl CatalogKind {
    /// Whether the catalog's pointer to the table's metadata is ours to move. Where it is not, the service maintains the
    /// table, and only commits that its interface knows are possible.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self == Self::Sql
    }
}

impl FromStr for CatalogKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sql" => Ok(Self::Sql),
            "rest" => Ok(Self::Rest),
            "glue" => Ok(Self::Glue),
            "s3tables" => Ok(Self::S3Tables),
            _ => Err(format!("LAKE_CATALOG_KIND is {text:?}, expected sql, rest, glue or s3tables")),
        }
    }
}

impl fmt::Display for CatalogKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sql => "sql",
            Self::Rest => "rest",
            Self::Glue => "glue",
            Self::S3Tables => "s3tables",
        })
    }
}

/// A catalog and how it is reached. `Debug` shows the kind alone.
#[derive(Clone)]
pub enum CatalogConfig {
    /// In the Postgres at this address; the migrations make its tables.
    Sql {
        /// `postgres://user:password@host:port/database`.
        uri: String,
    },
    /// A REST catalog.
    Rest(RestConfig),
    /// The Glue Data Catalog of the region and account of the function's role.
    Glue {
        /// `LAKE_GLUE_CATALOG_ID`: the catalog of another account.
        id: Option<String>,
    },
    /// A table bucket.
    S3Tables {
        /// `LAKE_TABLE_BUCKET_ARN`.
        table_bucket_arn: String,
    },
}

/// How a REST catalog is reached.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RestConfig {
    /// `LAKE_CATALOG_URI`, without `/v1`.
    pub uri: String,
    /// `LAKE_CATALOG_WAREHOUSE`: what the server calls the warehouse, when it has several.
    pub warehouse: Option<String>,
    /// Who the client is.
    pub authorization: Authorization,
    /// `LAKE_CATALOG_OAUTH2_URI`: where a credential is exchanged for a token, when it is not the catalog itself.
    pub oauth2_uri: Option<String>,
    /// `LAKE_CATALOG_SCOPE`: what a token is asked for; `catalog` when not given.
    pub scope: Option<String>,
}

/// Who the client of a REST catalog is.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Nobody: the catalog is open.
    #[default]
    None,
    /// A bearer token.
    Token(String),
    /// `<client id>:<secret>`, which is exchanged for tokens.
    Credential(String),
}

impl Authorization {
    /// Understands the string of a secret: `{"token": "..."}` or `{"credential": "<client id>:<secret>"}`.
    ///
    /// # Errors
    /// When it is anything else; what it holds is not in the error.
    pub fn from_secret(text: &str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Parts {
            token: Option<String>,
            credential: Option<String>,
        }
        const EXPECTED: &str = r#"expected {"token": "..."} or {"credential": "<client id>:<secret>"}"#;
        // The parser's own error repeats what it found.
        let parts: Option<Parts> = serde_json::from_str(text).ok();
        match parts.with_context(|| format!("the catalog's secret is not such JSON, {EXPECTED}"))? {
            Parts { token: Some(token), credential: None } => Ok(Self::Token(token)),
            Parts { token: None, credential: Some(credential) } => Ok(Self::Credential(credential)),
            _ => bail!("the catalog's secret holds both or none, {EXPECTED}"),
        }
    }
}

impl CatalogConfig {
    /// Reads what `kind` needs through `variable`, which gives the value of an environment variable; `database` is
    /// where the SQL catalog is. The authorization of a REST catalog comes apart, because it may be in a secret.
    ///
    /// # Errors
    /// When a variable is missing or malformed; the error names it.
    pub fn read(
        kind: CatalogKind,
        database: &str,
        variable: impl Fn(&str) -> Option<String>,
        authorization: Authorization,
    ) -> anyhow::Result<Self> {
        let needed = |name: &str| {
            variable(name).with_context(|| format!("{name} is not set; LAKE_CATALOG_KIND={kind} needs it"))
        };
        Ok(match kind {
            CatalogKind::Sql => Self::Sql { uri: database.to_owned() },
            CatalogKind::Rest => {
                let uri = needed("LAKE_CATALOG_URI")?;
                let fine = uri.starts_with("http://") || uri.starts_with("https://");
                ensure!(fine, "LAKE_CATALOG_URI is {uri:?}, expected http://host:port/path or https://host/path");
                let uri = uri.trim_end_matches('/').trim_end_matches("/v1").to_owned();
                Self::Rest(RestConfig {
                    uri,
                    warehouse: variable("LAKE_CATALOG_WAREHOUSE"),
                    authorization,
                    oauth2_uri: variable("LAKE_CATALOG_OAUTH2_URI"),
                    scope: variable("LAKE_CATALOG_SCOPE"),
                })
            }
            CatalogKind::Glue => Self::Glue { id: variable("LAKE_GLUE_CATALOG_ID") },
            CatalogKind::S3Tables => {
                let table_bucket_arn = needed("LAKE_TABLE_BUCKET_ARN")?;
                let fine = table_bucket_arn.starts_with("arn:") && table_bucket_arn.contains(":bucket/");
                let expected = "arn:aws:s3tables:<region>:<account>:bucket/<name>";
                ensure!(fine, "LAKE_TABLE_BUCKET_ARN is {table_bucket_arn:?}, expected {expected}");
                Self::S3Tables { table_bucket_arn }
            }
        })
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> CatalogKind {
        match self {
            Self::Sql { .. } => CatalogKind::Sql,
            Self::Rest(_) => CatalogKind::Rest,
            Self::Glue { .. } => CatalogKind::Glue,
            Self::S3Tables { .. } => CatalogKind::S3Tables,
        }
    }
}

impl fmt::Debug for CatalogConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CatalogConfig({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: CatalogKind, variables: &[(&str, &str)]) -> anyhow::Result<CatalogConfig> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        CatalogConfig::read(kind, "postgres://user:hush@db/metadata", find, Authorization::Token("hush".to_owned()))
    }

    #[test]
    fn each_kind_reads_what_it_needs() {
        assert!(matches!(read(CatalogKind::Sql, &[]).unwrap(), CatalogConfig::Sql { uri } if uri.contains("db")));
        let rest = read(CatalogKind::Rest, &[("LAKE_CATALOG_URI", "https://catalog/api/v1/")]).unwrap();
        assert!(matches!(&rest, CatalogConfig::Rest(rest) if rest.uri == "https://catalog/api"));
        assert!(matches!(read(CatalogKind::Glue, &[]).unwrap(), CatalogConfig::Glue { id: None }));
        let arn = "arn:aws:s3tables:eu-central-1:123456789012:bucket/lake";
        let tables = read(CatalogKind::S3Tables, &[("LAKE_TABLE_BUCKET_ARN", arn)]).unwrap();
        assert_eq!(tables.kind(), CatalogKind::S3Tables);
    }

    #[test]
    fn an_error_names_the_variable_and_what_is_accepted() {
        let error = |kind, variables: &[(&str, &str)]| read(kind, variables).unwrap_err().to_string();
        assert_eq!(error(CatalogKind::Rest, &[]), "LAKE_CATALOG_URI is not set; LAKE_CATALOG_KIND=rest needs it");
        assert!(error(CatalogKind::Rest, &[("LAKE_CATALOG_URI", "host:1")]).contains("expected http://"));
        assert!(error(CatalogKind::S3Tables, &[]).starts_with("LAKE_TABLE_BUCKET_ARN is not set"));
        assert!(error(CatalogKind::S3Tables, &[("LAKE_TABLE_BUCKET_ARN", "lake")]).contains("arn:aws:s3tables:"));
        let unknown = "hive".parse::<CatalogKind>().unwrap_err();
        assert_eq!(unknown, "LAKE_CATALOG_KIND is \"hive\", expected sql, rest, glue or s3tables");
    }

    #[test]
    fn a_secret_is_a_token_or_a_credential_and_is_never_shown() {
        let token = Authorization::from_secret(r#"{"token": "t"}"#).unwrap();
        assert!(matches!(token, Authorization::Token(token) if token == "t"));
        let credential = Authorization::from_secret(r#"{"credential": "id:hush"}"#).unwrap();
        assert!(matches!(credential, Authorization::Credential(credential) if credential == "id:hush"));
        for wrong in ["hush", r#"{"password": "hush"}"#, r#"{"token": "hush", "credential": "hush"}"#] {
            let error = format!("{:#}", Authorization::from_secret(wrong).err().unwrap());
            assert!(error.contains("expected {\"token\"") && !error.contains("hush"), "{error}");
        }
        for kind in [CatalogKind::Sql, CatalogKind::Rest] {
            let shown = format!("{:?}", read(kind, &[("LAKE_CATALOG_URI", "http://c")]).unwrap());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
