//! What one drain reached, as a row for people and as a line of JSON for `benches/peers`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    figures::say,
    fill::Topic,
    results,
    sample::Alone,
    table::Held,
    usage::{Machine, Used},
};

/// One drain of a topic.
pub(crate) struct Result {
    what: String,
    payload: String,
    topic: Topic,
    /// From its start to its end; for Millrace from the runner's start to the commit that completes the table.
    pub(crate) seconds: f64,
    /// Records a second between the first and the last commit.
    pub(crate) steady: Option<f64>,
    used: Used,
    /// CPU seconds of the local services meanwhile.
    services: BTreeMap<&'static str, f64>,
    /// Cores that other processes took meanwhile.
    others: f64,
    pub(crate) held: Option<Held>,
    /// What stages cost alone, of Millrace.
    pub(crate) alone: Option<Alone>,
}

impl Result {
    pub(crate) fn new(what: &str, payload: &str, topic: &Topic, seconds: f64, used: Used, before: &Machine) -> Self {
        let mut now = Machine::now();
        for (service, seconds) in &mut now.services {
            *seconds -= before.services.get(service).unwrap_or(&0.0);
        }
        let known: f64 = now.services.values().sum::<f64>() + used.cpu();
        let others = ((now.all - before.all - known) / seconds).max(0.0);
        let (what, payload) = (what.to_owned(), payload.to_owned());
        let (topic, services) = (topic.clone(), now.services);
        Self { what, payload, topic, seconds, steady: None, used, services, others, held: None, alone: None }
    }

    pub(crate) fn say_head() {
        say(
            "  what               records/s      MB/s   seconds   steady records/s   CPU s   us/record   peak RSS MB   others' cores",
        );
    }

    pub(crate) fn say(&self) -> anyhow::Result<()> {
        let (records, cpu) = (self.topic.records as f64, self.used.cpu());
        say(&format!(
            "  {:<16} {:>11.0} {:>9.1} {:>9.2} {:>18} {:>7.1} {:>11.2} {:>13.0} {:>15.2}",
            self.what,
            records / self.seconds,
            self.topic.bytes as f64 / self.seconds / 1e6,
            self.seconds,
            self.steady.map_or_else(String::new, |steady| format!("{steady:.0}")),
            cpu,
            cpu / records * 1e6,
            self.used.peak_rss as f64 / 1e6,
            self.others,
        ));
        if let Some(held) = &self.held {
            let per_record = |(name, seconds): (&&str, &f64)| format!("{name} {:.2}", seconds / records * 1e6);
            let own: Vec<String> = self.used.by_program().iter().map(per_record).collect();
            let services: Vec<String> = self.services.iter().map(per_record).collect();
            say(&format!("  CPU us a record: {}; beside it {}", own.join(", "), services.join(", ")));
            say(&format!(
                "  the table: {} rows, {} distinct ids, {} files of {:.1} MB on average, {} snapshots",
                held.rows,
                held.distinct,
                held.files,
                held.bytes as f64 / held.files as f64 / 1e6,
                held.snapshots
            ));
        }
        if let Some(alone) = &self.alone {
            self.say_stages(alone);
        }
        self.keep()
    }

    /// CPU microseconds a record, stage by stage. What cannot be told from outside is measured alone over a sample of the
    /// topic; the Runtime API and the writer's storage are what is left of runner and writer.
    fn say_stages(&self, alone: &Alone) {
        let per_record = |seconds: f64| seconds / self.topic.records as f64 * 1e6;
        let (mut runner, mut writer, mut commit) = (0.0, 0.0, 0.0);
        for (program, seconds) in self.used.by_program() {
            match program {
                "writer" => writer = per_record(seconds),
                "committer" => commit = per_record(seconds),
                _ => runner += per_record(seconds),
            }
        }
        let consume = per_record(self.used.librdkafka());
        say("  stage, CPU us a record: consume   encode   Runtime API   decode   Parquet   S3 and Postgres   commit");
        say(&format!(
            "  {:>30.2} {:>8.2} {:>13.2} {:>8.2} {:>9.2} {:>17.2} {:>8.2}",
            consume,
            alone.encode,
            runner - consume - alone.encode,
            alone.decode,
            alone.parquet,
            writer - alone.decode - alone.parquet,
            commit,
        ));
    }

    /// Adds it to `BENCH_RESULTS`.
    fn keep(&self) -> anyhow::Result<()> {
        results::keep(&json!({
            "peer": self.what, "payload": self.payload, "records": self.topic.records, "bytes": self.topic.bytes,
            "seconds": self.seconds, "steady_rec_s": self.steady, "cpu_s": self.used.cpu(),
            "peak_rss_mb": self.used.peak_rss as f64 / 1e6, "others_cores": self.others,
            "rows": self.held.map(|held| held.rows), "distinct": self.held.map(|held| held.distinct),
        }))
    }
}
