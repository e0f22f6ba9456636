//! What an answer lacks, and why.

use domain::posts::Partition;
use serde::Serialize;
use shards::Away;
use utoipa::ToSchema;

/// Partitions whose rows an answer lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Missing {
    /// The shard that has them.
    pub(crate) shard: String,
    pub(crate) partitions: Vec<i32>,
    pub(crate) reason: Reason,
}

/// Why a shard has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It cannot be reached.
    Unreachable,
    /// Its time was over.
    Slow,
    /// It failed a moment ago and is left alone for a while.
    Resting,
    /// The partitions are between two shards.
    Moving,
    /// It refused the question.
    Failed,
}

impl Reason {
    fn says(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Slow => "does not answer in time",
            Self::Resting => "is away",
            Self::Moving => "is giving partitions to another one",
            Self::Failed => "refuses to answer",
        }
    }
}

impl From<Away> for Reason {
    fn from(away: Away) -> Self {
        match away {
            Away::Unreachable => Self::Unreachable,
            Away::Slow => Self::Slow,
            Away::Failed => Self::Failed,
        }
    }
}

impl Missing {
    pub(crate) fn new(shard: &str, partitions: impl IntoIterator<Item = Partition>, reason: Reason) -> Self {
        let partitions = partitions.into_iter().map(Partition::number).collect();
        Self { shard: shard.to_owned(), partitions, reason }
    }

    /// In words: the shard and its state.
    pub(crate) fn says(&self) -> String {
        format!("{} {}", self.shard, self.reason.says())
    }
}
