//! What is wrong with a template, and where.

use std::path::PathBuf;

use super::node::{Node, Position};

/// A template that cannot be run here. Shown as `template.yaml:LINE:COLUMN: message`.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The template's path as given.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What the file says is wrong, or is not supported.
    #[error("{}:{line}:{column}: {message}", path.display())]
    At {
        /// The template's path as given.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was found, and what is accepted.
        message: String,
    },
}

/// An error before the file's name is known.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where.
    pub position: Position,
    /// What was found, and what is accepted.
    pub message: String,
}

impl Fault {
    /// An error at a place.
    pub(super) fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }

    /// `<what>: <found>; accepted: <accepted>`.
    pub(super) fn value(what: &str, node: &Node, accepted: &str) -> Self {
        Self::new(node.position, format!("{what}: {} is not accepted; accepted: {accepted}", node.describe()))
    }
}
