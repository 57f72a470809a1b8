//! What a handler leaves unread of a request's body.
//!
//! A client that is still sending when the connection closes sees a broken pipe instead
//! of the answer. So what is left is taken and thrown away, within bounds, after the
//! answer is on its way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::header;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// The most that is thrown away, a bit more than the largest chunk of an upload; a client
/// that sends more sees the broken pipe.
const MOST: usize = 152 << 20;

/// For how long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body that is lent to a handler, and comes back when the handler is done.
#[derive(Debug)]
pub(crate) struct Unread {
    body: Arc<Mutex<Body>>,
}

/// What the handler sees of it.
struct Lent(Arc<Mutex<Body>>);

impl Unread {
    /// Lends a request's body; `None` if there is nothing that could be left.
    pub(crate) fn lend(request: &mut Request) -> Option<Self> {
        // Whoever waits for leave to send will not send after a refusal.
        let waits = request.headers().contains_key(header::EXPECT);
        if waits || http_body::Body::is_end_stream(request.body()) {
            return None;
        }
        let body = Arc::new(Mutex::new(std::mem::take(request.body_mut())));
        *request.body_mut() = Body::new(Lent(Arc::clone(&body)));
        Some(Self { body })
    }

    /// Throws away what is left, beside the answer.
    pub(crate) fn discard(self) {
        let Some(mutex) = Arc::into_inner(self.body) else {
            // The handler's work goes on and reads for itself.
            return;
        };
        let body = mutex.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !http_body::Body::is_end_stream(&body) {
            tokio::spawn(tokio::time::timeout(PATIENCE, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, Bytes::len);
        if taken > MOST {
            return;
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_handler_leaves_is_what_comes_back() {
        let mut request = Request::new(Body::from("hello"));
        let unread = Unread::lend(&mut request).unwrap();
        let lent = std::mem::take(request.body_mut());
        assert_eq!(lent.collect().await.unwrap().to_bytes(), "hello");
        let rest = Arc::into_inner(unread.body).unwrap().into_inner().unwrap();
        assert!(http_body::Body::is_end_stream(&rest));
    }

    #[tokio::test]
    async fn nothing_is_lent_where_nothing_is_left() {
        assert!(Unread::lend(&mut Request::new(Body::empty())).is_none());
        let mut waiting = Request::new(Body::from("hello"));
        waiting
            .headers_mut()
            .insert(header::EXPECT, "100-continue".parse().unwrap());
        assert!(Unread::lend(&mut waiting).is_none());
    }
}
