//! Wires `numbers-generator`; everything else is in the library.

use numbers_generator::{Deps, handle};

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(Deps::load(), handle).await
}
