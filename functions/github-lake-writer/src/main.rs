//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(github_lake_writer::load(), github_lake_writer::handle).await
}
