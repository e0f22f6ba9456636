//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(github_lake_writer::Deps::load(), github_lake_writer::handle).await
}
