//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(lake_committer::Deps::load(), lake_committer::handle).await
}
