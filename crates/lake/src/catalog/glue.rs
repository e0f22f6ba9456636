//! AWS Glue's Data Catalog.
//!
//! Making and updating a table are our own: iceberg-catalog-glue 0.10 refuses every table that has a column of times with
//! a zone, because it has no name for the type. What Glue shows of columns is for people; the truth is in the metadata.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_glue::Client;
use aws_sdk_glue::config::Credentials;
use aws_sdk_glue::error::DisplayErrorContext;
use aws_sdk_glue::operation::update_table::UpdateTableError;
use aws_sdk_glue::types::{Column, StorageDescriptor, TableInput};
use iceberg::io::FileIO;
use iceberg::spec::{PrimitiveType, TableMetadata, TableMetadataBuilder, Type};
use iceberg::table::Table;
use iceberg::{
    Catalog, CatalogBuilder, Error, ErrorKind, MetadataLocation, NamespaceIdent, Result, Runtime, TableCommit,
    TableCreation, TableIdent,
};
use iceberg_catalog_glue::{
    AWS_ACCESS_KEY_ID, AWS_REGION_NAME, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, GLUE_CATALOG_PROP_CATALOG_ID,
    GLUE_CATALOG_PROP_WAREHOUSE, GlueCatalog, GlueCatalogBuilder,
};

use super::layer::{Layer, Layered};
use crate::config::{Config, storage_factory};

const METADATA_LOCATION: &str = "metadata_location";

/// Connects at the first call, to the endpoint that the AWS SDK finds (`AWS_ENDPOINT_URL_GLUE`, `AWS_ENDPOINT_URL`).
pub(super) async fn open(config: &Config, id: Option<&str>) -> anyhow::Result<Arc<dyn Catalog>> {
    let mut properties = config.storage_properties();
    properties.insert(GLUE_CATALOG_PROP_WAREHOUSE.to_owned(), config.warehouse.clone());
    let names = [AWS_REGION_NAME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN];
    properties.extend(super::aws_properties(config, names));
    if let Some(id) = id {
        properties.insert(GLUE_CATALOG_PROP_CATALOG_ID.to_owned(), id.to_owned());
    }
    let inner = GlueCatalogBuilder::default()
        .with_storage_factory(storage_factory())
        .load(config.catalog.clone(), properties)
        .await
        .context("open the Glue catalog")?;
    Ok(Arc::new(Layered(Glue {
        inner,
        client: client(config).await,
        id: id.map(str::to_owned),
        warehouse: config.warehouse.clone(),
        file_io: config.file_io(),
    })))
}

async fn client(config: &Config) -> Client {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    let s3 = &config.s3;
    if let Some(region) = &s3.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let (Some(id), Some(secret)) = (&s3.access_key_id, &s3.secret_access_key) {
        loader = loader.credentials_provider(Credentials::new(id, secret, s3.session_token.clone(), None, "lake"));
    }
    Client::new(&loader.load().await)
}

struct Glue {
    inner: GlueCatalog,
    client: Client,
    id: Option<String>,
    warehouse: String,
    file_io: FileIO,
}

impl fmt::Debug for Glue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Glue")
    }
}

impl Glue {
    /// The table, and the version of Glue's entry that an update must follow.
    async fn load(&self, ident: &TableIdent) -> Result<(Table, Option<String>)> {
        let request = self.client.get_table().set_catalog_id(self.id.clone());
        let request = request.database_name(database(ident.namespace())?).name(ident.name());
        let answer = request.send().await.map_err(|error| unexpected("get the table of Glue", error))?;
        let found = answer.table().ok_or_else(|| Error::new(ErrorKind::TableNotFound, ident.to_string()))?;
        let location = found.parameters().and_then(|parameters| parameters.get(METADATA_LOCATION));
        let location = location.ok_or_else(|| {
            Error::new(ErrorKind::DataInvalid, format!("table {ident} has no {METADATA_LOCATION}: it is not Iceberg's"))
        })?;
        let metadata = TableMetadata::read_from(&self.file_io, location).await?;
        let table = self.table(ident, metadata, location.clone())?;
        Ok((table, found.version_id().map(str::to_owned)))
    }

    fn table(&self, ident: &TableIdent, metadata: TableMetadata, location: String) -> Result<Table> {
        Table::builder()
            .file_io(self.file_io.clone())
            .metadata_location(location)
            .metadata(metadata)
            .identifier(ident.clone())
            .runtime(Runtime::try_current()?)
            .build()
    }

    async fn write(&self, table: &Table) -> Result<()> {
        let location = MetadataLocation::from_str(table.metadata_location_result()?)?;
        table.metadata().write_to(&self.file_io, &location).await
    }
}

#[async_trait]
impl Layer for Glue {
    fn inner(&self) -> &dyn Catalog {
        &self.inner
    }

    async fn load_table(&self, ident: &TableIdent) -> Result<Table> {
        self.load(ident).await.map(|(table, _)| table)
    }

    async fn create_table(&self, namespace: &NamespaceIdent, mut creation: TableCreation) -> Result<Table> {
        let (database, ident) = (database(namespace)?, TableIdent::new(namespace.clone(), creation.name.clone()));
        let given = creation.location.take();
        let location = given.unwrap_or_else(|| format!("{}/{database}/{}", self.warehouse, ident.name()));
        creation.location = Some(location.clone());
        let metadata = TableMetadataBuilder::from_table_creation(creation)?.build()?.metadata;
        let first = MetadataLocation::new_with_metadata(location, &metadata).to_string();
        let table = self.table(&ident, metadata, first.clone())?;
        self.write(&table).await?;
        let input = entry(&ident, table.metadata(), first, None)?;
        let request = self.client.create_table().set_catalog_id(self.id.clone()).database_name(database);
        request.table_input(input).send().await.map_err(|error| unexpected("create the table in Glue", error))?;
        Ok(table)
    }

    async fn update_table(&self, commit: TableCommit) -> Result<Table> {
        let ident = commit.identifier().clone();
        let (current, version) = self.load(&ident).await?;
        let before = current.metadata_location_result()?.to_owned();
        let staged = commit.apply(current)?;
        self.write(&staged).await?;
        let input = entry(&ident, staged.metadata(), staged.metadata_location_result()?.to_owned(), Some(before))?;
        let request = self.client.update_table().set_catalog_id(self.id.clone());
        let request = request.database_name(database(ident.namespace())?).table_input(input);
        // Versions of the entry would pile up; the snapshots are the history.
        let sent = request.set_version_id(version).skip_archive(true).send().await;
        sent.map_err(|error| match error.as_service_error() {
            Some(UpdateTableError::ConcurrentModificationException(_)) => {
                let message = format!("table {ident} was changed by another commit");
                Error::new(ErrorKind::CatalogCommitConflicts, message).with_retryable(true)
            }
            _ => unexpected("update the table in Glue", error),
        })?;
        Ok(staged)
    }
}

/// Glue's databases have no parts.
fn database(namespace: &NamespaceIdent) -> Result<String> {
    match namespace.as_ref().as_slice() {
        [name] => Ok(name.clone()),
        _ => Err(Error::new(ErrorKind::DataInvalid, format!("namespace {namespace:?} has parts, Glue knows none"))),
    }
}

/// What Glue keeps of a table: where its metadata is, and columns for people to look at.
fn entry(
    ident: &TableIdent,
    metadata: &TableMetadata,
    location: String,
    previous: Option<String>,
) -> Result<TableInput> {
    let invalid =
        |error| Error::new(ErrorKind::DataInvalid, "describe the table to Glue").with_source(anyhow::Error::new(error));
    let fields = metadata.current_schema().as_struct().fields().iter();
    let columns = fields.map(|field| {
        Column::builder()
            .name(&field.name)
            .r#type(shown(&field.field_type))
            .parameters("iceberg.field.id", field.id.to_string())
            .parameters("iceberg.field.optional", (!field.required).to_string())
            .parameters("iceberg.field.current", "true")
            .build()
            .map_err(invalid)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let mut input = TableInput::builder()
        .name(ident.name())
        .table_type("EXTERNAL_TABLE")
        .parameters("table_type", "ICEBERG")
        .parameters(METADATA_LOCATION, location)
        .storage_descriptor(
            StorageDescriptor::builder().location(metadata.location()).set_columns(Some(columns)).build(),
        );
    if let Some(previous) = previous {
        input = input.parameters("previous_metadata_location", previous);
    }
    input.build().map_err(invalid)
}

/// The name of a type in Glue; the same that Iceberg's Java library writes.
fn shown(kind: &Type) -> &'static str {
    match kind.as_primitive_type() {
        Some(PrimitiveType::Boolean) => "boolean",
        Some(PrimitiveType::Int) => "int",
        Some(PrimitiveType::Long) => "bigint",
        Some(PrimitiveType::Float) => "float",
        Some(PrimitiveType::Double) => "double",
        Some(PrimitiveType::Date) => "date",
        Some(PrimitiveType::Timestamp | PrimitiveType::Timestamptz) => "timestamp",
        Some(PrimitiveType::Binary | PrimitiveType::Fixed(_)) => "binary",
        _ => "string",
    }
}

fn unexpected(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, format!("{what}: {}", DisplayErrorContext(error)))
}
