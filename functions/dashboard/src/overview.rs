//! What the page shows: every interface asked at once, none waited for beyond its deadline.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::calls::Calls;

/// One look at everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// Of Millrace.
    pub version: &'static str,
    /// When it was looked.
    pub at: DateTime<Utc>,
    /// By name: `services`, `flow`, `producer`, `producer_stats`, `streaming`, `table`, `events`, `stats`,
    /// `numbers`, `posts`.
    pub panels: BTreeMap<&'static str, Panel>,
}

/// What one interface says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Panel {
    /// Its answer.
    Here {
        /// As it came, without what the page does not show.
        data: Value,
        /// How long it took.
        took_ms: u64,
    },
    /// There is none.
    Away {
        /// Why.
        reason: String,
    },
}

/// Asks every interface.
pub(crate) async fn gather(calls: &Calls, now: DateTime<Utc>) -> Overview {
    let panels = calls.panels().into_iter().map(|(name, url)| async move {
        let began = Instant::now();
        let panel = match calls.get(&url).await {
            Ok(data) => Panel::Here {
                data: shown(name, data),
                took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
            Err(reason) => Panel::Away { reason },
        };
        (name, panel)
    });
    Overview { version: env!("CARGO_PKG_VERSION"), at: now, panels: join_all(panels).await.into_iter().collect() }
}

/// Leaves out what is large and not shown: the payloads of events.
fn shown(panel: &str, mut data: Value) -> Value {
    if panel == "events" {
        for event in data.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(event) = event.as_object_mut() {
                event.remove("payload");
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payloads_stay_behind_and_strange_answers_pass() {
        let events = json!({"events": [{"id": "1", "payload": {"large": true}}, 7], "next": null});
        assert_eq!(shown("events", events), json!({"events": [{"id": "1"}, 7], "next": null}));
        assert_eq!(shown("events", json!([1])), json!([1]));
        assert_eq!(shown("table", json!({"payload": 1})), json!({"payload": 1}));
    }
}
