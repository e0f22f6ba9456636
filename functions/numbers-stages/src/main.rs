//! Wires `numbers-stages`; everything else is in the library.

use numbers_stages::{handle, load};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kit::Error> {
    kit::run(load(), handle).await
}
