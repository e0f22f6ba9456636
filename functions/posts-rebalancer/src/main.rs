//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(posts_rebalancer::load(), posts_rebalancer::handle).await
}
