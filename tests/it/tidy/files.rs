//! Rules over single files: their length, what they open with, and what they must not mention.

use super::{
    Faults,
    tree::{self, File},
};

/// What a reader keeps in mind; a longer file has two subjects.
const LINES: usize = 300;

/// Nothing justifies more.
const LINES_MOST: usize = 500;

/// Files between the two that have a reason.
const LONGER: &[(&str, &str)] = &[];

/// Documents that are read in one sitting.
const DOCUMENTS: [(&str, usize); 1] = [("ARCHITECTURE.md", 150)];

/// Cut in two, so that this file does not mention them.
const FOREIGN: [(&str, &str); 6] = [
    (concat!("../", "shared"), "a folder beside the repository: others do not have it"),
    (concat!("/", "work/"), "a folder of one machine"),
    (concat!("arti", "factory"), "the address of somebody's registry"),
    (concat!("--index", "-url"), "a registry that is not PyPI: whoever has one configures pip"),
    (concat!("--extra-index", "-url"), "a registry that is not PyPI: whoever has one configures pip"),
    (concat!("replace", "-with ="), "a registry that is not crates.io: whoever has one configures cargo"),
];

#[test]
fn no_file_is_too_long_to_be_read() {
    lengths(tree::files(), LONGER).assert_none();
    let mut faults = Faults::default();
    for (path, most) in DOCUMENTS {
        let lines = tree::file(path).map_or(usize::MAX, |file| file.text.lines().count());
        if lines > most {
            faults.add(path, format!("has {lines} lines, or is missing"), format!("bring it to {most}: it is a map"));
        }
    }
    faults.assert_none();
}

#[test]
fn each_rust_file_opens_with_what_it_is() {
    openings(tree::files()).assert_none();
}

#[test]
fn each_crate_says_what_is_deliberately_absent_and_is_on_the_map() {
    let mut faults = Faults::default();
    let map = tree::file("ARCHITECTURE.md").map_or("", |file| file.text.as_str());
    for folder in tree::folders_in("crates") {
        let path = format!("crates/{folder}/src/lib.rs");
        if !tree::file(&path).is_some_and(|lib| lib.opening().contains("eliberately absent")) {
            let advice = "add a paragraph `Deliberately absent: ...`: what one would look for here and must not add";
            faults.add(&path, "its opening //! does not say what is deliberately absent", advice);
        }
        if !map.contains(&format!("`crates/{folder}`")) {
            faults.add(
                "ARCHITECTURE.md",
                format!("does not mention `crates/{folder}`"),
                "give the crate its paragraph",
            );
        }
    }
    faults.assert_none();
}

#[test]
fn nothing_refers_to_what_others_do_not_have() {
    foreign(tree::files()).assert_none();
}

/// Shorter than `LINES`, or listed with a reason, and never longer than `LINES_MOST`.
fn lengths(files: &[File], longer: &[(&str, &str)]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let listed = longer.iter().any(|(path, reason)| *path == file.path && !reason.is_empty());
        if lines > LINES_MOST || lines > LINES && !listed {
            let found = format!("has {lines} lines; {LINES} or fewer are right, {LINES_MOST} the most");
            let advice = "split it by subject; where it has one subject only, add it to LONGER in tests/it/tidy/files.rs \
                          with the reason";
            faults.add(&file.path, found, advice);
        }
    }
    for (path, _) in longer {
        let lines = files.iter().find(|file| file.path == *path).map_or(0, |file| file.text.lines().count());
        if lines <= LINES {
            let found = format!("lists {path}, which has {lines} lines");
            faults.add("tests/it/tidy/files.rs", found, "take it off the list");
        }
    }
    faults
}

fn openings(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust() && file.opening().trim().is_empty()) {
        faults.add(&file.path, "does not open with //!", "say in a sentence what the file is and why it is there");
    }
    faults
}

fn foreign(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            let line_lower = line.to_lowercase();
            for (word, what) in FOREIGN.iter().filter(|(word, _)| line_lower.contains(word)) {
                faults.add(format!("{}:{}", file.path, at + 1), format!("mentions {word}: {what}"), "say it without");
            }
        }
    }
    faults
}

#[test]
fn long_files_stale_exceptions_and_missing_openings_are_found() {
    let file = |path: &str, lines: usize| File::new(path, &"x\n".repeat(lines));
    let files = [file("a.rs", 300), file("b.rs", 301), file("c.rs", 501), file("d.rs", 301), file("notes.md", 900)];
    let listed = [("a.rs", "was long"), ("c.rs", "too long"), ("d.rs", "a table"), ("gone.rs", "was there")];
    let here = "tests/it/tidy/files.rs";
    assert_eq!(lengths(&files, &listed).places(), ["b.rs", "c.rs", here, here]);
    let files = [File::new("a.rs", "//! A.\n"), File::new("b.rs", "// B.\n"), File::new("c.rs", "//!\nuse x;")];
    assert_eq!(openings(&files).places(), ["b.rs", "c.rs"]);
    assert_eq!(foreign(&[File::new("a.md", &format!("fine\nsee {}/x", FOREIGN[0].0))]).places(), ["a.md:2"]);
}
