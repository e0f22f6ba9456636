//! The arguments of `up` about what stands between triggers and functions.

use std::path::PathBuf;

use clap::Args;

use crate::{
    chaos::ChaosSpec,
    remote::{Endpoint, Endpoints},
    stack::PathOptions,
};

/// Where functions run.
#[derive(Debug, Args)]
pub(super) struct PathArguments {
    /// Start no function here: the host at this address runs them (`cargo lambda watch`, an AWS emulator, AWS)
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    functions_endpoint: Option<Endpoint>,
    /// The host at this address runs this function; may stand several times
    #[arg(long = "function-endpoint", value_name = "NAME=URL", value_parser = named_endpoint)]
    function_endpoints: Vec<(String, Endpoint)>,
    /// Inject faults: crash, timeout, error, throttle, duplicate=SHARE, delay=SHARE:TIME, rebalance=TIME, with commas between
    #[arg(long, value_name = "SPECIFICATION")]
    chaos: Option<ChaosSpec>,
    /// The same seed gives each trigger the same sequence of faults
    #[arg(long, default_value_t = 1, requires = "chaos", value_name = "N")]
    seed: u64,
    /// Keep every delivered event with its answer in this folder, for `millrace replay`
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// How many records are kept, the newest; 1 GB of them at most
    #[arg(long, default_value_t = 10_000, requires = "record", value_name = "N")]
    record_limit: usize,
}

impl PathArguments {
    pub(super) fn options(&self) -> PathOptions {
        let by_function = self.function_endpoints.iter().cloned().collect();
        PathOptions {
            endpoints: Endpoints { all: self.functions_endpoint.clone(), by_function },
            chaos: self.chaos.clone().map(|spec| (spec, self.seed)),
            record: self.record.clone().map(|folder| (folder, self.record_limit)),
        }
    }
}

fn named_endpoint(text: &str) -> Result<(String, Endpoint), String> {
    let (name, address) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=URL"))?;
    Ok((name.to_owned(), Endpoint::parse(address)?))
}
