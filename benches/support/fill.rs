//! Records that wait in a topic before anything reads them.

use rdkafka::producer::FutureRecord;

use crate::app::App;

/// Produces all values and waits for their acknowledgements.
pub(crate) async fn fill(app: &App, values: impl Iterator<Item = Vec<u8>>) -> anyhow::Result<()> {
    let producer = app.producer(20)?;
    let mut sent = Vec::new();
    for value in values {
        let record = FutureRecord::<[u8], [u8]>::to(&app.topic).partition(0).payload(&value);
        sent.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for delivery in sent {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    Ok(())
}
