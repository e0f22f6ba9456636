//! What the benches' own lake functions and the benches that measure them share: a table and its format.

pub mod narrow;
