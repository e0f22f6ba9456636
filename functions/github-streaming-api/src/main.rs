//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(github_streaming_api::load()).await
}
