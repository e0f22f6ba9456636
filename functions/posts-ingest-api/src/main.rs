//! See the library.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(posts_ingest_api::load()).await
}
