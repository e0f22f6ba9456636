//! Wires `github-poller`; everything else is in the library.

use github_poller::{Deps, handle};

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(Deps::load(), handle).await
}
