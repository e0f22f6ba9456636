//! Records of invocations, and sending them again.

pub(crate) mod kafka;
pub(crate) mod records;
pub(crate) mod stack;
