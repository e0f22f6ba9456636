//! What a poll of the GitHub API decides: what is new, when to ask again, whether something was missed.
