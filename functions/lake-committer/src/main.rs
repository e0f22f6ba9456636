//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(lake_committer::load(), lake_committer::handle).await
}
