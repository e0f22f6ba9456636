//! Which incarnation of its topic each record is of: I/O around `domain::lake::incarnation`.

use domain::lake::Source;
use domain::lake::incarnation::{Border, Held, Incarnation, divide, must_compare, runs};
use kafka::{Found, Lookup, TopicIdentity};
use kit::kafka::Record;
use lake::{Known, Offered};
use tokio::sync::OnceCell;

use crate::batch::Group;

/// Records of a partition, with the incarnation that they are of.
pub(crate) struct Part<'a> {
    pub source: Source,
    pub group: Group<'a>,
}

impl Part<'_> {
    pub(crate) fn offer(&self) -> Offered {
        Offered {
            source: self.source.clone(),
            topic: self.group.topic.to_owned(),
            offsets: self.group.records.iter().map(|record| record.offset).collect(),
        }
    }
}

/// What came of comparing a group.
pub(crate) struct Attributed<'a> {
    pub parts: Vec<Part<'a>>,
    /// Whether anything was compared: the answer holds only if the topic is the same still.
    pub compared: bool,
}

/// Compares records with what the broker has.
pub(crate) struct Comparer {
    kafka: kafka::Config,
    /// Most batches need none.
    lookup: OnceCell<Lookup>,
}

impl Comparer {
    pub(crate) fn new(kafka: kafka::Config) -> Self {
        Self { kafka, lookup: OnceCell::new() }
    }

    /// Divides a group by the incarnation of its records; `identity` is what the topic is now.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) async fn attribute<'a>(
        &self,
        group: &Group<'a>,
        identity: &TopicIdentity,
        known: &Known,
    ) -> anyhow::Result<Attributed<'a>> {
        let source = Source {
            cluster_id: identity.cluster_id.clone(),
            topic_id: identity.topic_id.clone(),
            partition: group.partition,
        };
        let (current, former) = known.incarnations(group.topic, &source);
        let offsets: Vec<i64> = group.records.iter().map(|record| record.offset).collect();
        let mut attributed = Attributed { parts: Vec::new(), compared: false };
        for run in runs(&offsets) {
            let (records, offsets) = (group.records.get(run.clone()), offsets.get(run));
            let (Some(records), Some(offsets)) = (records, offsets) else { continue };
            let compare = offsets.first().is_some_and(|&first| must_compare(&current, former.as_ref(), first));
            let border = if compare { self.border(records).await? } else { Border::current(records.len()) };
            attributed.compared |= compare;
            if border.former() != Some(0) {
                report(group, &current, former.as_ref(), &border);
            }
            for (topic_id, positions) in divide(&current, former.as_ref(), offsets, &border) {
                let records = records.get(positions).unwrap_or_default();
                attributed.add(Source { topic_id, ..source.clone() }, group, records);
            }
        }
        Ok(attributed)
    }

    async fn border(&self, records: &[&Record]) -> anyhow::Result<Border> {
        let mut border = Border::new(records.len());
        while let Some(record) = border.next().and_then(|position| records.get(position)) {
            border.tell(self.compare(record).await?);
        }
        Ok(border)
    }

    async fn compare(&self, record: &Record) -> anyhow::Result<Held> {
        let lookup = self.lookup.get_or_try_init(|| async { Lookup::new(&self.kafka) }).await?;
        Ok(match lookup.at(&record.topic, record.partition, record.offset).await? {
            Found::Beyond => Held::Beyond,
            Found::Gone => Held::Gone,
            Found::Record { timestamp_ms, key, value } => {
                let same_time = timestamp_ms.is_none_or(|time| time == record.timestamp_ms);
                if same_time && value == record.value && key == record.key { Held::Same } else { Held::Another }
            }
        })
    }
}

impl<'a> Attributed<'a> {
    /// Runs of one incarnation are one part: two would both begin at its watermark.
    fn add(&mut self, source: Source, group: &Group<'a>, records: &[&'a Record]) {
        match self.parts.iter_mut().find(|part| part.source == source) {
            Some(part) => part.group.records.extend(records),
            None => {
                let group = Group { topic: group.topic, partition: group.partition, records: records.to_vec() };
                self.parts.push(Part { source, group });
            }
        }
    }
}

fn report(group: &Group<'_>, current: &Incarnation, former: Option<&Incarnation>, border: &Border) {
    tracing::warn!(
        kafka.topic = group.topic,
        kafka.partition = group.partition,
        kafka.first_offset = group.first_offset(),
        kafka.topic_id = current.topic_id,
        kafka.former_topic_id = former.map(|former| former.topic_id.as_str()),
        records = border.former(),
        "records are not what the broker has at their offsets; the topic was made again"
    );
}
