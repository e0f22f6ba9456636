//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(github_producer_api::load()).await
}
