//! Dead letters once more: the program itself, on real topics.

use std::{
    collections::BTreeMap,
    process::{Command, Output, Stdio},
    time::Duration,
};

use kafka::{Producer, admin, dead_letter};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    cases::Case,
    support::{
        source::Source,
        topic::{Read, Rec, Topic, broker, rec},
        until,
    },
};

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "redrive.letters.each-goes-to-its-topic-as-it-was-and-a-second-run-sends-only-what-is-new" => each_goes_to_its_topic_as_it_was_and_a_second_run_sends_only_what_is_new,
        "redrive.letters.a-run-that-is-killed-half-way-loses-none-and-repeats-no-more-than-it-had-not-passed-by" => a_run_that_is_killed_half_way_loses_none_and_repeats_no_more_than_it_had_not_passed_by,
        "redrive.letters.a-rule-alone-leaves-the-others-for-another-run" => a_rule_alone_leaves_the_others_for_another_run,
        "redrive.letters.what-a-trigger-gave-up-goes-back-as-it-was" => what_a_trigger_gave_up_goes_back_as_it_was,
        "redrive.letters.what-cannot-be-sent-is-named-and-does-not-block-the-rest" => what_cannot_be_sent_is_named_and_does_not_block_the_rest,
        "redrive.letters.nothing-is-sent-twice-when-kafka-may-have-forgotten-the-position" => nothing_is_sent_twice_when_kafka_may_have_forgotten_the_position,
    ]
}

/// A topic and its dead letters.
struct Topics {
    events: Topic,
    letters: Topic,
    folder: TempDir,
}

impl Topics {
    async fn new(partitions: i32) -> Self {
        let name = format!("redrive-{}", Uuid::new_v4().simple());
        let letters = Topic::create(format!("{name}.dlq"), partitions).await;
        Self { events: Topic::create(name, 1).await, letters, folder: TempDir::new().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.current_dir(self.folder.path()).env_remove("MILLRACE_DIR").args(["redrive", &self.letters.name]);
        command.args(arguments);
        command
    }

    /// Its output, when it ends with this code.
    fn run(&self, code: i32, arguments: &[&str]) -> String {
        text(code, &self.command(arguments).output().unwrap())
    }

    /// A letter of this rule as a function leaves it.
    async fn letter(&self, rule: &str, record: Rec) {
        self.write(vec![(rule, record)]).await;
    }

    async fn write(&self, letters: Vec<(&str, Rec)>) {
        let messages = letters.into_iter().enumerate().map(|(offset, (rule, record))| {
            let origin = kafka::Origin {
                topic: &self.events.name,
                partition: record.partition,
                offset: offset as i64,
                timestamp_ms: 1,
            };
            let headers = record.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let mut message = dead_letter(origin, record.key, record.value, headers, rule, "as a test wants it");
            message.partition = Some(record.partition);
            message
        });
        Producer::new(&broker()).unwrap().send_all(messages.collect()).await.unwrap();
    }

    async fn sent(&self) -> i64 {
        admin::partitions(&broker(), &self.events.name, "looks").await.unwrap().iter().map(|state| state.high).sum()
    }
}

fn text(code: i32, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    format!("{out}{err}")
}

fn header(read: &Read, name: &str) -> Option<String> {
    let found = read.headers.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

pub(crate) async fn each_goes_to_its_topic_as_it_was_and_a_second_run_sends_only_what_is_new() {
    let topics = Topics::new(2).await;
    let odd = Rec {
        key: Some(vec![0xff, 0]),
        value: Some(vec![b'{', 0xfe, b'\n']),
        headers: vec![("trace", vec![1, 2]), ("trace", vec![])],
        ..Rec::default()
    };
    topics.letter("json", odd.clone()).await;
    topics.letter("timestamp", rec(1, "b")).await;
    let shown = topics.run(0, &["--dry-run"]);
    assert!(shown.contains("2 letters would be sent"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("json ") && line.ends_with(" 1")), "{shown}");
    assert_eq!(topics.sent().await, 0);

    assert!(topics.run(0, &[]).contains("2 letters sent"));
    assert!(topics.run(0, &[]).contains("0 letters sent"), "nothing is new");
    topics.letter("json", rec(0, "c")).await;
    assert!(topics.run(0, &["--limit", "5"]).contains("1 letters sent"));
    let read = topics.events.read(3).await;
    let first = read.iter().find(|read| read.key == odd.key).unwrap();
    assert_eq!(first.value, odd.value);
    let own = [("trace".to_owned(), vec![1, 2]), ("trace".to_owned(), vec![])];
    assert_eq!(first.headers[..2], own, "its own headers stay, in order");
    assert_eq!(header(first, "redrive.attempt").unwrap(), "1");
    assert_eq!(header(first, "redrive.origin").unwrap(), format!("{}/0/0", topics.events.name));
    assert_eq!(first.headers.len(), 4, "nothing of the letter is left: {:?}", first.headers);
    let position = topics.letters.committed("millrace-redrive").await;
    assert_eq!(position, [Some(2), Some(1)]);

    let elsewhere = Topic::create(format!("{}-else", topics.events.name), 1).await;
    let all = topics.run(0, &["--from-beginning", "--limit", "2", "--to", &elsewhere.name]);
    assert!(all.contains(&elsewhere.name) && all.contains("2 letters sent"), "{all}");
    assert_eq!(elsewhere.read(2).await.len(), 2);
    assert_eq!(topics.sent().await, 3);
}

pub(crate) async fn a_run_that_is_killed_half_way_loses_none_and_repeats_no_more_than_it_had_not_passed_by() {
    const LETTERS: usize = 6_000;
    const KILLS: usize = 2;
    let topics = Topics::new(2).await;
    for kill in 0..KILLS {
        // Each run has letters of its own to send, also when the one before was done before it was killed.
        let letters = (kill * LETTERS..(kill + 1) * LETTERS).map(|n| {
            let key = Some(n.to_string().into_bytes());
            ("json", Rec { key, ..rec(i32::from(n % 2 == 1), "x".repeat(2_000)) })
        });
        topics.write(letters.collect()).await;
        let before = topics.sent().await;
        let mut run = topics.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("some letters", async || (topics.sent().await > before).then_some(())).await;
        run.kill().unwrap();
        run.wait().unwrap();
    }
    // What the killed one had handed to the broker is there a moment later.
    let rest = topics.run(0, &[]);
    let sent = usize::try_from(topics.sent().await).unwrap();
    let mut times: BTreeMap<Option<Vec<u8>>, usize> = BTreeMap::new();
    for read in topics.events.read(sent).await {
        *times.entry(read.key).or_default() += 1;
    }
    assert_eq!(times.len(), KILLS * LETTERS, "each letter is there; the last run says: {rest}");
    assert!(sent <= KILLS * (LETTERS + 500), "{} were repeated", sent - KILLS * LETTERS);
    assert!(topics.run(0, &[]).contains("0 letters sent"));
}

pub(crate) async fn a_rule_alone_leaves_the_others_for_another_run() {
    let topics = Topics::new(1).await;
    for rule in ["json", "timestamp", "json", "type", "timestamp"] {
        topics.letter(rule, rec(0, rule)).await;
    }
    let one = topics.run(0, &["--rule", "timestamp", "--limit", "1"]);
    assert!(one.contains("1 letters sent") && one.contains("1 letters of other rules stay"), "{one}");
    let other = topics.run(0, &["--rule", "timestamp"]);
    assert!(other.contains("1 letters sent"), "the second, and the first not again: {other}");
    let rest = topics.run(0, &["--limit", "2"]);
    assert!(rest.contains("2 letters sent") && rest.contains("1 letters were sent before"), "{rest}");
    assert!(topics.run(0, &["--rule", "json"]).contains("0 letters sent"), "a run of all rules has sent them");
    let last = topics.run(0, &[]);
    assert!(last.contains("1 letters sent") && last.contains("1 letters were sent before"), "{last}");
    let values: Vec<String> =
        topics.events.read(5).await.into_iter().map(|r| String::from_utf8(r.value.unwrap()).unwrap()).collect();
    assert_eq!(values, ["timestamp", "timestamp", "json", "json", "type"]);
    assert_eq!(topics.sent().await, 5);
}

pub(crate) async fn what_a_trigger_gave_up_goes_back_as_it_was() {
    let settings =
        "BatchSize: 1, MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Destination: 'kafka://TOPIC.failed'}}";
    let source = Source::with_handler(
        1,
        settings,
        "
def handler(event, context):
    raise ValueError('not yet')
",
    )
    .await;
    let odd =
        Rec { key: Some(vec![0xff]), value: Some(vec![0xfe, 0]), headers: vec![("h", vec![0x80, 65])], ..rec(0, "") };
    let large = rec(0, "x".repeat(5 << 20));
    source.topic.produce(&[odd.clone(), large.clone()]).await;
    source.enable().await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    let to = Topic::create(format!("{}-again", source.topic.name), 1).await;
    let output =
        Command::new(env!("CARGO_BIN_EXE_millrace")).args(["redrive", &source.failed.name, "--to", &to.name]).output();
    let said = text(0, &output.unwrap());
    assert!(said.contains("RetriesExhausted") && said.contains("MaximumPayloadSizeExceeded"), "{said}");
    let read = to.read(2).await;
    assert_eq!((&read[0].key, &read[0].value), (&odd.key, &odd.value));
    assert_eq!(read[0].headers[0], ("h".to_owned(), vec![0x80, 65]));
    assert_eq!(header(&read[0], "redrive.origin").unwrap(), format!("{}/0/0", source.topic.name));
    assert_eq!((&read[1].key, &read[1].value), (&large.key, &large.value));
}

pub(crate) async fn what_cannot_be_sent_is_named_and_does_not_block_the_rest() {
    let topics = Topics::new(1).await;
    topics.letter("json", rec(0, "a")).await;
    topics.letters.produce(&[rec(0, "no letter")]).await;
    topics.letter("json", rec(0, "b")).await;
    let said = topics.run(1, &[]);
    assert!(said.contains("2 letters sent") && said.contains("1 records cannot be sent again"), "{said}");
    assert!(said.contains(&format!("{}/0/1: it is neither a dead letter", topics.letters.name)), "{said}");
    assert!(topics.run(0, &[]).contains("0 letters sent"), "it is named once");

    let missing = topics.run(1, &["--from-beginning", "--to", "no-such-topic"]);
    assert!(missing.contains("is for topic no-such-topic, which does not exist"), "{missing}");
    let circle = topics.run(1, &["--from-beginning", "--to", &topics.letters.name]);
    assert!(circle.contains("would go to its own topic"), "{circle}");
    assert_eq!(topics.sent().await, 2);
    let output = Command::new(env!("CARGO_BIN_EXE_millrace")).args(["redrive", "no-such.dlq"]).output().unwrap();
    assert!(text(1, &output).contains("topic no-such.dlq does not exist"));
}

pub(crate) async fn nothing_is_sent_twice_when_kafka_may_have_forgotten_the_position() {
    let topics = Topics::new(1).await;
    let written = chrono::Utc::now() - Duration::from_secs(8 * 24 * 3_600);
    let letter = Rec {
        headers: vec![("error.rule", b"json".to_vec()), ("origin.topic", topics.events.name.clone().into_bytes())],
        timestamp_ms: Some(written.timestamp_millis()),
        ..rec(0, "old")
    };
    // Kafka deletes by the newest record's time.
    topics.letters.produce(&[letter, rec(0, "new")]).await;
    let refused = topics.run(1, &[]);
    assert!(refused.contains("older than 6 days") && refused.contains("--from-beginning"), "{refused}");
    assert_eq!(topics.sent().await, 0);
    assert!(topics.run(1, &["--from-beginning"]).contains("1 letters sent"));
    assert!(topics.run(0, &[]).contains("0 letters sent"), "now there is a position");
}
