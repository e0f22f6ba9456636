//! The rules of the tree, as tests: a rule that only stands in a document is forgotten. Why each rule is there:
//! CONTRIBUTING.md.
//!
//! A rule is a function from the tree to [`Faults`]; each has a test that it holds here, and those that could miss
//! what they look for have one on a made-up tree.

mod agreement;
mod boundaries;
mod faults;
mod files;
mod honesty;
mod logins;
mod manifests;
mod registered;
mod tree;

use faults::Faults;
