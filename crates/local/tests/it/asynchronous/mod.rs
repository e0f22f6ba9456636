//! Invocations of type `Event`: retries, destinations, and what is kept.

pub(crate) mod destinations;
pub(crate) mod kept;
pub(crate) mod retries;

use std::time::Duration;

use millrace::{
    host::{EventConfig, Journal, Origin},
    template::spec::AsynchronousSpec,
};
use serde_json::Value;

use crate::support::App;

/// Records the event with the request id, then does what the event asks for.
const HANDLER: &str = "
import os
def handler(event, context):
    record({'event': event, 'id': context.request_id})
    kind = event.get('do') if isinstance(event, dict) else None
    if kind == 'fail' or kind == 'fail-once' and not raised('mended'):
        raise_flag('mended')
        raise ValueError('no')
    if kind == 'wait':
        await_flag('go')
    return {'done': True}
";

/// Lambda's waits, shortened.
fn quick() -> EventConfig {
    let delay = Duration::from_millis(20);
    EventConfig { retry_delays: [delay, 2 * delay], busy_delay: delay, journal: Journal::default() }
}

/// A function with these properties whose events wait for milliseconds; `change` is over what the template says.
fn app(properties: &str, events: EventConfig, change: impl FnOnce(&mut AsynchronousSpec)) -> App {
    let template = format!(
        "Resources:
           F:
             Type: AWS::Serverless::Function
             Properties: {{Runtime: provided.al2023, CodeUri: f/, Timeout: 60, {properties}}}
        "
    );
    App::changed(&template, HANDLER, |config, application| {
        config.events = events;
        change(&mut application.functions["F"].asynchronous);
    })
}

/// Leaves an event for `F`.
fn leave(app: &App, event: &Value) -> String {
    app.host.invoke_asynchronously(&Origin::asynchronous(), "F", event.to_string().into()).unwrap()
}
