//! Finding records again.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::entry::{Entry, Summary};

/// A folder of records.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A record's file.
#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

impl Store {
    /// The records in `folder`.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        if !folder.is_dir() {
            bail!("{} is no folder of records; `millrace up --record DIR` makes one", folder.display());
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The record whose id begins with this.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find(&self, id: &str) -> anyhow::Result<Entry> {
        let files = self.files()?;
        let named = |file: &&StoredFile| stem(&file.path).is_some_and(|stem| stem.starts_with(id));
        let mut found = files.iter().filter(named);
        let Some(file) = found.next() else {
            bail!("no record in {} begins with {id}; `millrace replay --list` shows them", self.folder.display());
        };
        if found.next().is_some() {
            bail!("{} records in {} begin with {id}: write more of it", found.count() + 2, self.folder.display());
        }
        read(&file.path)
    }

    /// All records, the oldest first. A file that is no record is left out.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> anyhow::Result<Vec<Summary>> {
        Ok(self.files()?.iter().filter_map(|file| read(&file.path).ok()).collect())
    }

    /// Records' files by name, which is by time.
    pub(super) fn files(&self) -> anyhow::Result<Vec<StoredFile>> {
        let entries = std::fs::read_dir(&self.folder).with_context(|| format!("read {}", self.folder.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("read {}", self.folder.display()))?;
            let path = entry.path();
            if stem(&path).is_some() {
                // One that was removed meanwhile has no length.
                let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                files.push(StoredFile { path, bytes });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no record", path.display()))
}

/// An id is the time in microseconds and the number of the invocation, both in hexadecimal digits.
pub(super) const TIME_DIGITS: usize = 13;
pub(super) const NUMBER_DIGITS: usize = 5;

/// The id that a record's file is named after; `None` for any other file.
fn stem(path: &Path) -> Option<&str> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let (time, number) = stem.split_once('-')?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (time.len() == TIME_DIGITS && number.len() == NUMBER_DIGITS && is_hex(time) && is_hex(number)).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_a_unique_beginning_and_other_files_are_left_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        let id = ["640000000000a-00001", "640000000000b-00002"];
        for id in id {
            let record = format!(
                r#"{{"id":"{id}","time":"t","function":"f","origin":"caller","request_id":"r","attempt":1,
                    "event":{{"json":{{}}}},"answer":{{"base64":"eA=="}},"error":null,"duration_ms":1.0}}"#
            );
            std::fs::write(folder.path().join(format!("{id}.json")), record).unwrap();
        }
        std::fs::write(folder.path().join("notes.json"), "mine").unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.list().unwrap().len(), 2);
        assert_eq!(store.find("640000000000b").unwrap().answer.bytes().unwrap(), b"x");
        assert!(store.find("6400").unwrap_err().to_string().starts_with("2 records"));
        assert!(store.find("65").unwrap_err().to_string().contains("--list"));
        assert!(Store::open(&folder.path().join("no")).is_err());
    }
}
