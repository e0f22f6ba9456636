//! The files of the repository, as the rules see them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The folders that make up the repository. Others (`target/`, `.millrace/`, a scratch folder) are nobody's business.
const FOLDERS: [&str; 11] =
    [".cargo", ".ci", "benches", "crates", "docs", "events", "functions", "infra", "localstack", "migrations", "tests"];

/// Folders within them that programs leave behind.
const LEFT_BEHIND: [&str; 4] = ["target", "node_modules", "__pycache__", ".hypothesis"];

/// Files of the root that are written by programs, or for one machine; `.git` is a file in a worktree.
const NOT_OURS: [&str; 3] = ["Cargo.lock", ".env", ".git"];

/// A text file.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Relative to the repository, with `/`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl File {
    /// A made-up file, for tests of rules.
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The `//!` lines that it opens with, without the marks.
    pub(super) fn opening(&self) -> String {
        let doc = self.text.lines().map_while(|line| line.strip_prefix("//!"));
        doc.collect::<Vec<_>>().join("\n")
    }

    /// Its lines of code with their numbers from 1; comment lines are left out.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The line at which its inline tests begin; one past the end when it has none.
    pub(super) fn tests_begin(&self) -> usize {
        let mut lines = self.text.lines();
        lines.position(|line| line.trim() == "#[cfg(test)]").map_or(usize::MAX, |at| at + 1)
    }
}

/// The repository's root. Asked for when the test runs: several checkouts may share one target folder, and with it this
/// program.
pub(super) fn root() -> PathBuf {
    let tests = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&tests).parent().unwrap().to_owned()
}

/// Every text file of the repository, ordered by path. Read once for all rules.
pub(super) fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let root = root();
        let mut paths: Vec<PathBuf> = entries(&root)
            .into_iter()
            .filter(|path| {
                path.is_file() && !NOT_OURS.contains(&path.file_name().unwrap().to_str().unwrap_or_default())
            })
            .collect();
        for folder in FOLDERS {
            walk(&root.join(folder), &mut paths);
        }
        let mut files: Vec<File> = paths.iter().filter_map(|path| read(&root, path)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    });
    &FILES
}

/// The names of the folders in `folder`.
pub(super) fn folders_in(folder: &str) -> Vec<String> {
    let folders = entries(&root().join(folder)).into_iter().filter(|path| path.is_dir());
    folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The file at `path`, when it is there.
pub(super) fn file(path: &str) -> Option<&'static File> {
    files().iter().find(|file| file.path == path)
}

/// Not a file that is no text, and not one that an editor takes away while we look.
fn read(root: &Path, path: &Path) -> Option<File> {
    let text = fs::read_to_string(path).ok()?;
    let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    Some(File { path, text })
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        if path.is_dir() && !LEFT_BEHIND.contains(&name) {
            walk(&path, paths);
        } else if path.is_file() {
            paths.push(path);
        }
    }
}

/// In order; none when the folder does not exist.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
