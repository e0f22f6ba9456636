//! See the library.

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), kit::Error> {
    kit::http::serve(numbers_api::load()).await
}
