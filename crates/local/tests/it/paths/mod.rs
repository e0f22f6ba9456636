//! What stands between a trigger and a function's answer.

pub(crate) mod elsewhere;
pub(crate) mod ministack;
pub(crate) mod watch;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use millrace::{
    host::Paths,
    remote::{Endpoint, Remote},
};

/// A way on which the host at `address` runs every function of these logical ids.
async fn to(address: &str, functions: &[&str], environment: &BTreeMap<String, String>) -> Paths {
    let remote = Arc::new(Remote::new(Endpoint::parse(address).unwrap(), environment).await.unwrap());
    let remotes = functions.iter().map(|id| ((*id).to_owned(), Arc::clone(&remote))).collect();
    Paths { remotes, ..Paths::default() }
}

/// A program of the tests' tools.
fn tool(name: &str) -> PathBuf {
    let folder = std::env::var("MILLRACE_TOOLS_BIN").unwrap_or_default();
    assert!(
        !folder.is_empty(),
        "MILLRACE_TOOLS_BIN is not set: run the tests with `make test`, or \
         `export MILLRACE_TOOLS_BIN=$(bash localstack/tools.sh bin)`"
    );
    PathBuf::from(folder).join(name)
}
