//! See the library.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kit::Error> {
    kit::run(db_migrator::Deps::load(), db_migrator::handle).await
}
