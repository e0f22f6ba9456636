//! Watermarks and offset ranges: what of a batch is new, and which staged segments may be committed.
