//! Parsing one public GitHub event into the columns that the lake keeps.
