//! The tables of a shard, their keys, and ranges of keys as SQL.

use std::fmt::Write;

use domain::posts::Partition;
use serde::{Deserialize, Serialize};

/// A table, and the key by which a partition's rows are in order (an index has the partition before it).
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Columns and their types.
    key: &'static [(&'static str, &'static str)],
}

/// All tables with rows of partitions.
pub(crate) const TABLES: [Table; 4] = [
    Table { name: "posts", key: &[("id", "uuid")] },
    Table { name: "comments", key: &[("post_id", "uuid"), ("created_at", "timestamptz"), ("id", "uuid")] },
    Table { name: "likes", key: &[("post_id", "uuid"), ("user_id", "varchar")] },
    Table { name: "post_counters", key: &[("post_id", "uuid")] },
];

/// A row's key, each column as Postgres' text.
pub(crate) type Key = Vec<String>;

/// Where a step of many pieces is: everything before this table, and in it up to this key, is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Index of the table.
    pub(crate) table: usize,
    /// None: at its beginning.
    pub(crate) after: Option<Key>,
}

impl Table {
    /// The key's columns, for `order by`.
    pub(crate) fn order(&self) -> String {
        self.key.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ")
    }

    /// The key as an array of text.
    pub(crate) fn key_as_text(&self) -> String {
        let columns: Vec<String> = self.key.iter().map(|(column, _)| format!("{column}::text")).collect();
        format!("array[{}]", columns.join(", "))
    }

    /// `where` the rows of the partition with keys behind `after`, up to `until`, that included; `None`: no limit. COPY takes
    /// no parameters, so the keys stand in the text, as hexadecimal digits: nothing that a user wrote can end a literal.
    pub(crate) fn range(&self, partition: Partition, after: Option<&Key>, until: Option<&Key>) -> String {
        let mut range = format!("partition = {}", partition.number());
        for (sign, key) in [(">", after), ("<=", until)] {
            if let Some(key) = key {
                let _infallible = write!(range, " and ({}) {sign} ({})", self.order(), self.literals(key));
            }
        }
        range
    }

    fn literals(&self, key: &Key) -> String {
        let literal = |(value, (_, of_type)): (&String, &(&str, &str))| {
            let digits = value.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
            format!("convert_from(decode('{digits}', 'hex'), 'UTF8')::{of_type}")
        };
        key.iter().zip(self.key).map(literal).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_wrote_is_digits() {
        let [_, _, likes, _] = &TABLES;
        let key = vec!["017f22e2-79b0-7cc3-98c4-dc0c0c07398f".to_owned(), "o'neil\\".to_owned()];
        let range = likes.range(Partition::new(7).unwrap(), Some(&key), None);
        assert!(range.starts_with("partition = 7 and (post_id, user_id) > (convert_from(decode('3031"), "{range}");
        assert!(range.ends_with("convert_from(decode('6f276e65696c5c', 'hex'), 'UTF8')::varchar)"), "{range}");
        assert_eq!(likes.range(Partition::new(7).unwrap(), None, None), "partition = 7");
        assert_eq!(likes.key_as_text(), "array[post_id::text, user_id::text]");
    }
}
