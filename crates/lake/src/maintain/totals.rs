//! What a snapshot says about itself. The next commit adds to these totals, and `lake_tables` shows them.

use std::collections::HashMap;

use iceberg::spec::{DataFile, Operation, Summary};

/// Files and what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub files: u64,
    pub records: u64,
    pub bytes: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, file: &DataFile) {
        self.files += 1;
        self.records += file.record_count();
        self.bytes += file.file_size_in_bytes();
    }
}

/// The summary of a snapshot that replaces files: what the table holds now, and what came and went.
pub(crate) fn summary(previous: &Summary, added: Sum, removed: Sum) -> Summary {
    let total = |name: &str, plus: u64, minus: u64| {
        let before: u64 = previous.additional_properties.get(name)?.parse().ok()?;
        Some((name.to_owned(), (before + plus).saturating_sub(minus).to_string()))
    };
    let carried = previous.additional_properties.iter().filter(|(name, _)| name.starts_with("total-"));
    let mut properties: HashMap<String, String> = carried.map(|(name, value)| (name.clone(), value.clone())).collect();
    properties.extend(total("total-data-files", added.files, removed.files));
    properties.extend(total("total-files-size", added.bytes, removed.bytes));
    let changes = [
        ("added-data-files", added.files),
        ("added-records", added.records),
        ("added-files-size", added.bytes),
        ("deleted-data-files", removed.files),
        ("deleted-records", removed.records),
        ("removed-files-size", removed.bytes),
    ];
    let changes = changes.into_iter().filter(|&(_, number)| number > 0);
    properties.extend(changes.map(|(name, number)| (name.to_owned(), number.to_string())));
    Summary { operation: Operation::Replace, additional_properties: properties }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_keeps_the_rows_and_counts_the_files() {
        let told =
            [("total-records", "9"), ("total-data-files", "5"), ("total-files-size", "50"), ("added-records", "3")];
        let properties = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let previous = Summary { operation: Operation::Append, additional_properties: properties.into() };
        let (added, removed) = (Sum { files: 1, records: 6, bytes: 18 }, Sum { files: 3, records: 6, bytes: 20 });
        let summary = summary(&previous, added, removed);
        let value = |name: &str| summary.additional_properties.get(name).map(String::as_str);
        assert_eq!(summary.operation, Operation::Replace);
        assert_eq!((value("total-records"), value("total-data-files")), (Some("9"), Some("3")));
        assert_eq!((value("total-files-size"), value("added-records")), (Some("48"), Some("6")));
        assert_eq!((value("deleted-data-files"), value("removed-files-size")), (Some("3"), Some("20")));
    }
}
