//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(posts_shards_api::load()).await
}
