//! The table: each rule of `millrace conformance` and the function that checks it.

use std::{collections::BTreeSet, future::Future, pin::Pin};

use libtest_mimic::{Failed, Trial};
use millrace::conformance;

use crate::{
    asynchronous, chaos, destinations, host, http, kafka, paths, pattern, rabbitmq, redrive, replay, schedules,
    template,
};

/// Checks one rule against the real thing; a panic says what was found instead.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) check: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

/// Rows of the table: a rule's id and the function that checks it.
macro_rules! cases {
    ($($id:literal => $check:path),* $(,)?) => {
        vec![$($crate::cases::Case { id: $id, check: || Box::pin($check()) }),*]
    };
}

/// One test a row, and one that holds the table to the list of rules.
pub(crate) fn trials() -> Vec<Trial> {
    let cases = table();
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
    let rules: BTreeSet<&str> = conformance::rules().map(|rule| rule.id).collect();
    let unchecked: Vec<&str> = rules.difference(&ids).copied().collect();
    let unnamed: Vec<&str> = ids.difference(&rules).copied().collect();
    let whole = Trial::test("every rule has its case and every case its rule", move || {
        if unchecked.is_empty() && unnamed.is_empty() {
            return Ok(());
        }
        Err(Failed::from(format!("rules without a case: {unchecked:?}; cases without a rule: {unnamed:?}")))
    });
    let trials = cases.into_iter().map(|case| {
        Trial::test(case.id, move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on((case.check)());
            Ok(())
        })
    });
    std::iter::once(whole).chain(trials).collect()
}

fn table() -> Vec<Case> {
    [
        http::cases(),
        schedules::cases(),
        asynchronous::cases(),
        template::cases(),
        destinations::cases(),
        kafka::cases(),
        pattern::cases(),
        rabbitmq::cases(),
        host::cases(),
        paths::cases(),
        chaos::cases(),
        replay::cases(),
        redrive::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
