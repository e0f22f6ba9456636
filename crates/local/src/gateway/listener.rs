//! Ports, connections and bodies, which APIs and function URLs have in common.

use std::{future::Future, net::SocketAddr};

use axum::{Router, body::Body};
use bytes::Bytes;
use futures::FutureExt;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use tokio::net::TcpListener;

/// Binds a port on the loopback: 127.0.0.1, and ::1 where there is one, because `localhost` may be either. Port 0
/// takes a free one, the same for both.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn listen(port: u16) -> std::io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    match TcpListener::bind(("::1", port)).await {
        Ok(second) => listeners.push(second),
        // Somebody else's server there would answer half of the clients.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(%error, port, "no IPv6 loopback"),
    }
    Ok(listeners)
}

/// Serves on all listeners until `shutdown`.
///
/// # Errors
/// A listener fails for good.
pub(super) async fn run(
    listeners: Vec<TcpListener>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = shutdown.boxed().shared();
    let servers = listeners.into_iter().map(|listener| {
        let server = axum::serve(listener, service.clone()).with_graceful_shutdown(shutdown.clone());
        server.into_future()
    });
    futures::future::try_join_all(servers).await.map(drop)
}

/// The whole body, or the status that says why there is none.
pub(super) async fn read_body(body: Body, limit: usize) -> Result<Bytes, StatusCode> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(error) => {
            tracing::debug!(error = %error, "the client left before its request was complete");
            Err(StatusCode::BAD_REQUEST)
        }
    }
}
