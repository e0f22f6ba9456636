//! Records: every delivered event with its answer, one file an invocation, so that it can be looked at and sent again.
//!
//! [`Recorder`] writes them behind the invocations, [`Store`] finds them again, [`diff`] says how two answers differ.

mod diff;
mod entry;
mod recorder;
mod store;

pub use self::{
    diff::diff,
    entry::{Content, Entry, Summary},
    recorder::{Recorder, RecorderStatus},
    store::Store,
};
