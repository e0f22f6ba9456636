//! The way of one event through what stands between its trigger and the function: injected faults, repetition,
//! records.

use bytes::Bytes;

use super::{
    function::Function,
    origin::{Origin, Trigger},
    outcome::{InvokeError, Outcome},
    stream::Sink,
};
use crate::chaos::{Fault, Plan};

impl Function {
    /// Invokes the function for `origin`, with all that happens on the way.
    pub(super) async fn invoke(&self, origin: &Origin, payload: Bytes) -> Result<Outcome, InvokeError> {
        self.invoke_into(origin, payload, Sink::Collect).await
    }

    /// As `invoke`; the answer goes to `sink`.
    pub(super) async fn invoke_into(
        &self,
        origin: &Origin,
        payload: Bytes,
        sink: Sink,
    ) -> Result<Outcome, InvokeError> {
        let plan = self.plan(origin);
        if let Some(delay) = plan.delay {
            self.injected(origin, "delay");
            tokio::time::sleep(delay).await;
        }
        if let Some(fault) = plan.fault {
            self.injected(origin, fault.name());
        }
        if plan.fault == Some(Fault::Throttle) {
            self.count(|statistics| statistics.throttles += 1);
            return Err(InvokeError::Throttled);
        }
        let outcome = self.recorded(origin, payload.clone(), plan.fault, sink).await?;
        if plan.duplicate && outcome.is_success() {
            self.injected(origin, "duplicate");
            // The last answer counts, as when a batch comes again because its offsets were not committed.
            return self.recorded(origin, payload, None, Sink::Collect).await;
        }
        Ok(outcome)
    }

    /// One attempt, kept when records are wanted.
    async fn recorded(
        &self,
        origin: &Origin,
        payload: Bytes,
        fault: Option<Fault>,
        sink: Sink,
    ) -> Result<Outcome, InvokeError> {
        let Some(recorder) = &self.config.paths.recorder else {
            return self.attempt(origin, payload, fault, sink).await;
        };
        let outcome = self.attempt(origin, payload.clone(), fault, sink).await?;
        recorder.keep(&self.spec.name, origin, payload, &outcome).await;
        Ok(outcome)
    }

    /// What is to happen to this invocation. What runs before everything else (migrations) is left alone: a stack that
    /// does not start teaches nothing.
    fn plan(&self, origin: &Origin) -> Plan {
        let Some(chaos) = self.config.paths.chaos.as_ref().filter(|_| !self.spec.run_on_up) else {
            return Plan::default();
        };
        let plan = chaos.decide(&origin.trigger, &self.spec.name);
        // Neither API Gateway nor a caller gets its request delivered twice by Lambda.
        let repeats = !matches!(origin.trigger, Trigger::Api(_) | Trigger::Caller);
        Plan { duplicate: plan.duplicate && repeats, ..plan }
    }

    fn injected(&self, origin: &Origin, fault: &'static str) {
        if let Some(chaos) = &self.config.paths.chaos {
            chaos.injected(&origin.trigger, &self.spec.name, fault);
        }
    }
}
