//! The writes of a bulk request as the API's description has them: a shape for each type. They are read as one struct, whose
//! faults can name their field, which a choice of shapes cannot.

use utoipa::ToSchema;

/// One of many writes.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = NewWrite)]
#[expect(dead_code, reason = "only described")]
pub(crate) enum AnyWrite {
    /// A post.
    Post(BulkPost),
    /// A comment on a post.
    Comment(BulkComment),
    /// A like of a post.
    Like(BulkLike),
}

/// A post, as one of many writes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only described")]
pub(crate) struct BulkPost {
    /// What it is.
    #[schema(pattern = "^post$")]
    r#type: String,
    /// Who writes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    user_id: String,
    /// Its text: no NUL, not only spaces.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    content: String,
}

/// A comment on a post, as one of many writes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only described")]
pub(crate) struct BulkComment {
    /// What it is.
    #[schema(pattern = "^comment$")]
    r#type: String,
    /// The post's id, as its own answer had it.
    #[schema(format = Uuid)]
    post_id: String,
    /// Who writes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    user_id: String,
    /// Its text: no NUL, not only spaces.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    content: String,
}

/// A like of a post, as one of many writes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only described")]
pub(crate) struct BulkLike {
    /// What it is.
    #[schema(pattern = "^like$")]
    r#type: String,
    /// The post's id, as its own answer had it.
    #[schema(format = Uuid)]
    post_id: String,
    /// Who writes it: no control characters, not only spaces.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    user_id: String,
}
