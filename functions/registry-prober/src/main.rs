//! Wires `registry-prober`; everything else is in the library.

use registry_prober::{Deps, handle};

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(Deps::load(), handle).await
}
