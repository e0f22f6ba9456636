//! What a client asks for, checked.

use domain::posts::moves::Wish;
use domain::posts::{PARTITIONS, Partition, ShardId};
use kit::http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

/// One of `{"partitions": [3, 4], "to": "shard-4"}`, `{"count": 16, "to": "shard-4"}` and `{"balance": true}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// These, each 0 to 47.
    #[schema(min_items = 1, max_items = 48)]
    partitions: Option<Vec<i32>>,
    /// So many, each from whichever shard has most.
    #[schema(minimum = 1, maximum = 48)]
    count: Option<u32>,
    /// A shard's name.
    to: Option<String>,
    /// Equally many to each active shard.
    balance: Option<bool>,
}

impl Asked {
    /// The wish; `named` finds a shard by its name.
    pub(crate) fn check(&self, named: impl Fn(&str) -> Option<ShardId>) -> Result<Wish, Problem> {
        let unwanted = |name: &str| Problem::bad_parameter(name, "stands beside balance", "balance alone");
        if self.balance == Some(true) {
            let beside =
                [("partitions", self.partitions.is_some()), ("count", self.count.is_some()), ("to", self.to.is_some())];
            return match beside.iter().find(|(_, stands)| *stands) {
                Some((name, _)) => Err(unwanted(name)),
                None => Ok(Wish::Balance),
            };
        }
        let name = self.to.as_deref().ok_or_else(|| Problem::bad_parameter("to", "is missing", "a shard's name"))?;
        let to = named(name).ok_or_else(|| Problem::bad_parameter("to", "names no shard", "a shard's name"))?;
        match (&self.partitions, self.count) {
            (Some(_), Some(_)) => Err(Problem::bad_parameter("count", "stands beside partitions", "one of them")),
            (None, None) => Err(Problem::bad_parameter("partitions", "is missing", "partitions or count")),
            (Some(numbers), None) => these(numbers, to),
            (None, Some(count)) if (1..=u32::from(PARTITIONS)).contains(&count) => {
                Ok(Wish::Count { count: usize::try_from(count).unwrap_or_default(), to })
            }
            (None, Some(count)) => Err(Problem::bad_parameter("count", &format!("is {count}"), "1 to 48")),
        }
    }
}

fn these(numbers: &[i32], to: ShardId) -> Result<Wish, Problem> {
    if numbers.is_empty() || numbers.len() > usize::from(PARTITIONS) {
        return Err(Problem::bad_parameter("partitions", &format!("has {} items", numbers.len()), "1 to 48"));
    }
    let partition = |(at, number): (usize, &i32)| {
        let fault = || Problem::bad_parameter(&format!("partitions[{at}]"), &format!("is {number}"), "0 to 47");
        Partition::new(*number).ok_or_else(fault)
    };
    let partitions = numbers.iter().enumerate().map(partition).collect::<Result<_, _>>()?;
    Ok(Wish::These { partitions, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Wish, Option<String>> {
        let asked = kit::http::parse::<Asked>(json.as_bytes())
            .and_then(|asked| asked.check(|name| name.strip_prefix("shard-").and_then(|number| number.parse().ok())));
        asked.map_err(|problem| serde_json::to_value(problem).unwrap()["parameter"].as_str().map(str::to_owned))
    }

    #[test]
    fn each_of_the_three_wishes() {
        let partitions = [3, 4].into_iter().filter_map(Partition::new).collect();
        assert_eq!(check(r#"{"partitions":[3,4,3],"to":"shard-4"}"#), Ok(Wish::These { partitions, to: 4 }));
        assert_eq!(check(r#"{"count":16,"to":"shard-4"}"#), Ok(Wish::Count { count: 16, to: 4 }));
        assert_eq!(check(r#"{"balance":true}"#), Ok(Wish::Balance));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, field) in [
            ("{}", "to"),
            (r#"{"balance":false}"#, "to"),
            (r#"{"balance":"yes"}"#, "balance"),
            (r#"{"balance":true,"to":"shard-4"}"#, "to"),
            (r#"{"to":"shard-4"}"#, "partitions"),
            (r#"{"to":"nobody","count":1}"#, "to"),
            (r#"{"to":"shard-4","count":0}"#, "count"),
            (r#"{"to":"shard-4","count":49}"#, "count"),
            (r#"{"to":"shard-4","count":-1}"#, "count"),
            (r#"{"to":"shard-4","count":1,"partitions":[1]}"#, "count"),
            (r#"{"to":"shard-4","partitions":[]}"#, "partitions"),
            (r#"{"to":"shard-4","partitions":[1,48]}"#, "partitions[1]"),
            (r#"{"to":"shard-4","partitions":[1,"2"]}"#, "partitions[1]"),
            (r#"{"to":"shard-4","count":1,"now":true}"#, "now"),
        ] {
            assert_eq!(check(json), Err(Some(field.to_owned())), "{json}");
        }
    }
}
