//! See the library.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kit::Error> {
    kit::run(posts_shard_writer::load(), posts_shard_writer::handle).await
}
