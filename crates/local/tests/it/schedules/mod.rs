//! Schedules: when they fire, what they send, and what happens when the function does not take it.

pub(crate) mod events;
pub(crate) mod retries;
pub(crate) mod times;

use std::sync::Arc;

use millrace::schedule_source::ScheduleSource;

use crate::support::App;

/// Records its event; waits for a flag when it is told to.
const HANDLER: &str = "
def handler(event, context):
    record(event)
    if isinstance(event, dict) and event.get('wait'):
        await_flag('go')
";

/// A function `F` with one event of this kind, `Tick`, and its schedule.
fn app(kind: &str, properties: &str) -> (App, Arc<ScheduleSource>) {
    of(
        &format!(
            "Resources:
           F:
             Type: AWS::Serverless::Function
             Properties:
               Runtime: provided.al2023
               CodeUri: f/
               Timeout: 60
               Events:
                 Tick:
                   Type: {kind}
                   Properties: {{{properties}}}
        "
        ),
        0,
    )
}

/// The application of a template, and one of its schedules.
fn of(template: &str, index: usize) -> (App, Arc<ScheduleSource>) {
    let app = App::of(template, HANDLER);
    let source = ScheduleSource::new(app.application.schedules[index].clone(), app.host.clone()).unwrap();
    (app, source)
}
