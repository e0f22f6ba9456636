//! The table of GitHub events: the one schema that three functions share.

use crate::schema::{Column, ColumnType, TableSchema};

/// The table's namespace.
pub const NAMESPACE: &str = "github";
/// The table's name.
pub const TABLE: &str = "events";

/// The table's columns; the constants of this module are positions in it. Add at the end only.
pub const SCHEMA: TableSchema = TableSchema {
    columns: &[
        Column::required("id", ColumnType::Text),
        Column::required("type", ColumnType::Text),
        Column::optional("action", ColumnType::Text),
        Column::required("actor_id", ColumnType::Long),
        Column::required("actor_login", ColumnType::Text),
        Column::required("repo_id", ColumnType::Long),
        Column::required("repo_name", ColumnType::Text),
        Column::optional("org_id", ColumnType::Long),
        Column::optional("org_login", ColumnType::Text),
        Column::optional("public", ColumnType::Bool),
        Column::required("created_at", ColumnType::Timestamp),
        Column::required("ingested_at", ColumnType::Timestamp),
        Column::optional("payload", ColumnType::Document),
        Column::required("kafka_topic", ColumnType::Text),
        Column::required("kafka_partition", ColumnType::Int),
        Column::required("kafka_offset", ColumnType::Long),
    ],
    time: CREATED_AT,
    key: ID,
};

/// GitHub's id of the event.
pub const ID: usize = 0;
/// The event's type, such as `PushEvent`.
pub const TYPE: usize = 1;
/// `payload.action`.
pub const ACTION: usize = 2;
/// The actor's id.
pub const ACTOR_ID: usize = 3;
/// The actor's name.
pub const ACTOR_LOGIN: usize = 4;
/// The repository's id.
pub const REPO_ID: usize = 5;
/// `owner/name`.
pub const REPO_NAME: usize = 6;
/// The organisation's id.
pub const ORG_ID: usize = 7;
/// The organisation's name.
pub const ORG_LOGIN: usize = 8;
/// Whether the event is public.
pub const PUBLIC: usize = 9;
/// When it happened.
pub const CREATED_AT: usize = 10;
/// When the writer took it.
pub const INGESTED_AT: usize = 11;
/// The payload's JSON text.
pub const PAYLOAD: usize = 12;
/// The topic it came from.
pub const KAFKA_TOPIC: usize = 13;
/// The topic's partition.
pub const KAFKA_PARTITION: usize = 14;
/// The offset within the partition.
pub const KAFKA_OFFSET: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_name_their_columns() {
        let names = [
            (ID, "id"),
            (TYPE, "type"),
            (ACTION, "action"),
            (ACTOR_ID, "actor_id"),
            (ACTOR_LOGIN, "actor_login"),
            (REPO_ID, "repo_id"),
            (REPO_NAME, "repo_name"),
            (ORG_ID, "org_id"),
            (ORG_LOGIN, "org_login"),
            (PUBLIC, "public"),
            (CREATED_AT, "created_at"),
            (INGESTED_AT, "ingested_at"),
            (PAYLOAD, "payload"),
            (KAFKA_TOPIC, "kafka_topic"),
            (KAFKA_PARTITION, "kafka_partition"),
            (KAFKA_OFFSET, "kafka_offset"),
        ];
        assert_eq!(names.len(), SCHEMA.columns.len());
        for (position, name) in names {
            assert_eq!(SCHEMA.columns[position].name, name);
        }
    }
}
