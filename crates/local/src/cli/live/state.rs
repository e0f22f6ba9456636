//! What is shown, and what a key means. Pure.

use std::{collections::BTreeMap, time::Instant};

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::snapshot::{Function, Lag, Snapshot};

/// Everything that the view draws.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) snapshot: Snapshot,
    pub(super) rows: Vec<Row>,
    pub(super) selected: usize,
    pub(super) log: Vec<String>,
    /// News of several lines (a compiler's), in the log's place until the next key.
    pub(super) news: Vec<String>,
    /// What the last key did, or what is wrong.
    pub(super) message: String,
    invocations: BTreeMap<String, u64>,
    taken: Option<Instant>,
}

/// One function and what triggers it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) function: Function,
    /// Invocations a second since the last snapshot.
    pub(super) rate: f64,
    /// Topic, queue, schedule.
    pub(super) source: String,
    pub(super) paused: bool,
    pub(super) lag: Option<Lag>,
    /// How full batches are, 0 to 1.
    pub(super) fill: Option<f64>,
}

/// What a key asks the runner for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Leave the view.
    Quit,
    /// Pause or resume mappings (by UUID) and schedules (by name).
    SetEnabled { mappings: Vec<String>, schedules: Vec<String>, enabled: bool },
    /// Invoke a function with its first sample event.
    Invoke(String),
    /// Start a new process for the next invocation.
    Restart(String),
    /// Open a page in the browser.
    Open(String),
}

impl State {
    /// Takes a new snapshot; rates are those since the one before.
    pub(super) fn take(&mut self, snapshot: Snapshot, now: Instant) {
        let elapsed = self.taken.map(|taken| now.duration_since(taken).as_secs_f64()).filter(|seconds| *seconds > 0.0);
        let before = std::mem::take(&mut self.invocations);
        self.rows = snapshot
            .functions
            .iter()
            .map(|function| row(&snapshot, function, before.get(&function.name), elapsed))
            .collect();
        self.invocations = snapshot.functions.iter().map(|f| (f.name.clone(), f.invocations)).collect();
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
        self.snapshot = snapshot;
        self.taken = Some(now);
    }

    /// Shows a line until the next one.
    pub(super) fn say(&mut self, message: String) {
        self.message = message;
    }

    /// Shows news: one line as any other, several in the place of the log.
    pub(super) fn hear(&mut self, text: &str) {
        let lines: Vec<String> = text.lines().map(|line| line.replace('\t', "  ")).collect();
        match lines.as_slice() {
            [] => {}
            [line] => {
                // What the compiler said before is mended.
                if line.starts_with("reloaded") {
                    self.news.clear();
                }
                self.say(line.clone());
            }
            _ => self.news = lines,
        }
    }

    /// Name of the selected function.
    pub(super) fn selected_name(&self) -> Option<&str> {
        self.rows.get(self.selected).map(|row| row.function.name.as_str())
    }

    /// What a key means now; moving the selection is done here.
    pub(super) fn press(&mut self, key: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
        self.news.clear();
        let selected = self.selected_name().map(str::to_owned);
        match key {
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Some(Command::Quit),
            KeyCode::Char('q') => Some(Command::Quit),
            KeyCode::Up | KeyCode::Char('k') => {
                self.selected = self.selected.saturating_sub(1);
                None
            }
            KeyCode::Down | KeyCode::Char('j') => {
                self.selected = (self.selected + 1).min(self.rows.len().saturating_sub(1));
                None
            }
            KeyCode::Char('p') => self.set_enabled(&selected?),
            KeyCode::Char('i') => Some(Command::Invoke(selected?)),
            KeyCode::Char('r') => Some(Command::Restart(selected?)),
            KeyCode::Char('d') => match self.snapshot.apis.first() {
                Some((_, address)) => Some(Command::Open(self.address(&selected?).unwrap_or_else(|| address.clone()))),
                None => {
                    self.say("no API is there to open".to_owned());
                    None
                }
            },
            _ => None,
        }
    }

    /// The address of the API that is named after the function, as `GithubQueryHttpApi` after `github-query-api`.
    fn address(&self, function: &str) -> Option<String> {
        let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "").replace("http", "");
        let found = self.snapshot.apis.iter().find(|(name, _)| plain(name) == plain(function));
        found.map(|(_, address)| format!("{address}/docs"))
    }

    fn set_enabled(&mut self, function: &str) -> Option<Command> {
        let mappings = self.snapshot.mappings.iter().filter(|mapping| mapping.function == function);
        let schedules = self.snapshot.schedules.iter().filter(|schedule| schedule.function == function);
        let reads = |state: &str| matches!(state, "Enabled" | "Enabling");
        let runs = mappings.clone().any(|mapping| reads(&mapping.state)) || schedules.clone().any(|s| s.enabled);
        let mappings: Vec<String> = mappings.map(|mapping| mapping.uuid.clone()).collect();
        let schedules: Vec<String> = schedules.map(|schedule| schedule.name.clone()).collect();
        if mappings.is_empty() && schedules.is_empty() {
            self.say(format!("{function} has no source that could be paused"));
            return None;
        }
        Some(Command::SetEnabled { mappings, schedules, enabled: !runs })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(snapshot: &Snapshot, function: &Function, before: Option<&u64>, elapsed: Option<f64>) -> Row {
    let since = before.map_or(0, |before| function.invocations.saturating_sub(*before));
    let mappings: Vec<_> = snapshot.mappings.iter().filter(|mapping| mapping.function == function.name).collect();
    let schedules: Vec<_> = snapshot.schedules.iter().filter(|s| s.function == function.name).collect();
    let sources: Vec<&str> = mappings
        .iter()
        .map(|mapping| mapping.topic.as_str())
        .chain(schedules.iter().map(|schedule| schedule.expression.as_str()))
        .collect();
    let lags: Vec<Lag> = mappings.iter().filter_map(|mapping| mapping.lag).collect();
    let seconds = lags.iter().filter_map(|lag| lag.seconds).reduce(f64::max);
    let room: u64 = mappings.iter().map(|mapping| mapping.invocations * mapping.batch_size).sum();
    let delivered: u64 = mappings.iter().map(|mapping| mapping.delivered).sum();
    Row {
        function: function.clone(),
        rate: elapsed.map_or(0.0, |elapsed| since as f64 / elapsed),
        paused: !sources.is_empty()
            && mappings.iter().all(|mapping| mapping.state != "Enabled")
            && schedules.iter().all(|schedule| !schedule.enabled),
        source: sources.join(", "),
        lag: (!lags.is_empty()).then(|| Lag { records: lags.iter().map(|lag| lag.records).sum(), seconds }),
        fill: (room > 0).then(|| delivered as f64 / room as f64),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// A stack with a Kafka function and an API's.
    pub(in super::super) fn snapshot(invocations: u64) -> Snapshot {
        let function = |name: &str, invocations: u64| {
            json!({"name": name, "state": "warm", "invocations": invocations, "errors": 1, "in_flight": 1,
                   "p50_ms": 12.0, "p99_ms": 1500.0, "cold_starts": 2})
        };
        serde_json::from_value(json!({
            "services": [{"name": "kafka", "state": "running", "address": "127.0.0.1:9092"}],
            "functions": [function("writer", invocations), function("query-api", 7)],
            "mappings": [{"name": "WriterEvents", "uuid": "u-1", "function": "writer", "topic": "events", "group": "g",
                          "state": "Enabled", "batch_size": 100, "lag": {"records": 1204, "seconds": 0.8},
                          "invocations": 10, "delivered": 870, "records": 870, "failures": 0, "given_up": 0}],
            "schedules": [],
            "apis": [["QueryHttpApi", "http://localhost:8003"]],
        }))
        .unwrap()
    }

    #[test]
    fn rates_are_those_between_two_looks() {
        let mut state = State::default();
        let begin = Instant::now();
        state.take(snapshot(100), begin);
        assert!(state.rows[0].rate.abs() < 1e-9);
        state.take(snapshot(130), begin + Duration::from_secs(2));
        assert!((state.rows[0].rate - 15.0).abs() < 1e-9);
        assert!((state.rows[0].fill.unwrap() - 0.87).abs() < 1e-9);
        assert_eq!(state.rows[0].lag.unwrap().records, 1204);
    }

    #[test]
    fn news_of_several_lines_stand_in_the_logs_place_until_a_key() {
        let mut state = State::default();
        state.hear("reloaded writer after 2.5 s");
        assert_eq!((state.message.as_str(), state.news.len()), ("reloaded writer after 2.5 s", 0));
        state.hear("error[E0425]\n --> src/lib.rs:1:1\n");
        assert_eq!(state.news, ["error[E0425]", " --> src/lib.rs:1:1"]);
        state.hear("the build failed; what ran before runs on");
        assert_eq!(state.news.len(), 2);
        state.press(KeyCode::Down, KeyModifiers::NONE);
        assert!(state.news.is_empty());
        state.hear("error\nagain");
        state.hear("reloaded writer after 1.0 s");
        assert!(state.news.is_empty());
    }

    #[test]
    fn keys_act_on_the_selected_function() {
        let mut state = State::default();
        let press = |state: &mut State, key| state.press(KeyCode::Char(key), KeyModifiers::NONE);
        assert_eq!(press(&mut state, 'i'), None, "nothing is selected before the first look");
        state.take(snapshot(1), Instant::now());
        let paused = Command::SetEnabled { mappings: vec!["u-1".into()], schedules: vec![], enabled: false };
        assert_eq!(press(&mut state, 'p'), Some(paused));
        assert_eq!(press(&mut state, 'i'), Some(Command::Invoke("writer".into())));
        assert_eq!(press(&mut state, 'j'), None);
        assert_eq!(press(&mut state, 'j'), None, "the last one stays selected");
        assert_eq!(press(&mut state, 'r'), Some(Command::Restart("query-api".into())));
        assert_eq!(press(&mut state, 'd'), Some(Command::Open("http://localhost:8003/docs".into())));
        assert_eq!(press(&mut state, 'p'), None);
        assert_eq!(state.message, "query-api has no source that could be paused");
        assert_eq!(state.press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Command::Quit));
    }
}
