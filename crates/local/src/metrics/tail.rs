//! What is new in a log file that several processes append to.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

/// Read at most so much at a look; a function that writes more is caught up with over the next looks.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A line longer than this is no metric, and is not kept while its end is missing.
const LONGEST_LINE: usize = 256 * 1024;

/// One file, and how far it was read.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    position: u64,
    /// The begin of a line whose end was not there yet.
    partial: Vec<u8>,
}

impl Tail {
    /// Begins at the file's end; one that is not there yet is read from its beginning.
    pub(super) fn at_end(path: PathBuf) -> Self {
        let position = std::fs::metadata(&path).map(|file| file.len()).unwrap_or_default();
        Self { path, position, partial: Vec::new() }
    }

    /// Hands over each whole line that was written since the last call. A file that cannot be read has none.
    pub(super) fn new_lines(&mut self, mut line: impl FnMut(&[u8])) {
        let Some(bytes) = self.read() else { return };
        let mut rest = bytes.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(end);
            if self.partial.is_empty() {
                line(head);
            } else {
                self.partial.extend_from_slice(head);
                line(&std::mem::take(&mut self.partial));
            }
            rest = tail.get(1..).unwrap_or_default();
        }
        if self.partial.len() + rest.len() <= LONGEST_LINE {
            self.partial.extend_from_slice(rest);
        }
    }

    fn read(&mut self) -> Option<Vec<u8>> {
        let mut file = File::open(&self.path).ok()?;
        let end = file.metadata().ok()?.len();
        if end < self.position {
            // It was emptied; what is in it is new.
            self.position = 0;
            self.partial.clear();
        }
        if end == self.position {
            return None;
        }
        file.seek(SeekFrom::Start(self.position)).ok()?;
        let mut bytes = Vec::new();
        let count = file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        self.position += u64::try_from(count).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        tail.new_lines(|line| lines.push(String::from_utf8(line.to_vec()).unwrap()));
        lines
    }

    #[test]
    fn whole_lines_once_each() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.log");
        std::fs::write(&path, "old\n").unwrap();
        let mut tail = Tail::at_end(path.clone());
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"a\nb").unwrap();
        assert_eq!(lines(&mut tail), ["a"]);
        assert!(lines(&mut tail).is_empty());
        file.write_all(b"c\n").unwrap();
        assert_eq!(lines(&mut tail), ["bc"]);
        std::fs::write(&path, "x\n").unwrap();
        assert_eq!(lines(&mut tail), ["x"], "an emptied file begins again");
        std::fs::remove_file(&path).unwrap();
        assert!(lines(&mut tail).is_empty());
    }
}
