//! The listener: accepts connections, keeps slow ones in bounds, and ends in good order.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::connection::{Outgoing, Pieces, Wire};
use crate::router::Front;
use crate::task_schedules;

/// How long a client may take to send a request's head, or say nothing between two.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a client may leave what was sent unread before the connection is given up.
const STALLED: Duration = Duration::from_mins(2);

/// How long requests may still run once the server was told to stop. Downloads of
/// large files are cut off then; clients resume them.
const GRACE: Duration = Duration::from_secs(20);

/// How many requests one HTTP/2 connection may have open.
const STREAMS: u32 = 200;

/// How long to wait when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is done, then lets running requests finish.
///
/// # Errors
/// When the listener itself fails.
pub async fn run(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(app.settings.max_connections));
    let closing = app.closing.clone();
    tokio::spawn(task_schedules::run::run(Arc::clone(&app)));
    let front = Front::new(app).await;
    let graceful = GracefulShutdown::new();
    let builder = connection_builder();
    tokio::pin!(shutdown);
    loop {
        let accepting = async {
            let place = Arc::clone(&places)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let (stream, _) = listener.accept().await?;
            io::Result::Ok((stream, place))
        };
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepting => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        prepare(&stream);
        let front = front.clone();
        let wire = Wire::new(stream);
        let pieces = wire.pieces();
        let service = service_fn(move |request| serve(front.clone(), pieces.clone(), request));
        let connection = builder.serve_connection(wire, service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that goes away is no news.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended: {error}");
            }
            drop(place);
        });
    }
    drop(listener);
    closing.cancel();
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::info!("stopping although some requests still run");
    }
    Ok(())
}

async fn serve(
    front: Front,
    pieces: Pieces,
    request: http::Request<Incoming>,
) -> Result<http::Response<Outgoing>, Infallible> {
    // Over HTTP/2 files are cut into frames with heads of their own.
    let pieces = (request.version() <= http::Version::HTTP_11).then_some(pieces);
    let request: Request = request.map(Body::new);
    Ok(Outgoing::response(front.answer(request).await, pieces))
}

fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        // Not `pipeline_flush`: it copies every body once more.
        .writev(true)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(HEADER_TIMEOUT);
    builder
}

/// Small answers go out at once, and a client that stops reading is given up.
fn prepare(stream: &TcpStream) {
    let outcome = stream.set_nodelay(true).and_then(|()| {
        let stalled = u32::try_from(STALLED.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(stream, stalled).map_err(io::Error::from)
    });
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection could not be prepared: {error}");
    }
}
