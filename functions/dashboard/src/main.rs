//! See the library.

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(dashboard::load()).await
}
