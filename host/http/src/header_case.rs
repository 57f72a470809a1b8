//! The case of header names that clients of Pulp look for by the letter.
//!
//! Names of headers have no case, and hyper writes them in lowercase. People and scripts
//! read `Correlation-ID` in the output of Pulp's command, though. hyper repeats the case in
//! which a name was read, so it reads ours once, from memory, and what it remembers goes
//! with each answer.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Extensions, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

/// A request with the names as they shall be written.
const NAMES: &[u8] = b"GET / HTTP/1.1\r\nHost: -\r\nCorrelation-ID: -\r\nConnection: close\r\n\r\n";

/// What goes with an answer so that names are written in their case; nothing if hyper
/// does not remember it.
pub(crate) async fn learn() -> Extensions {
    let learned = Arc::new(Mutex::new(Extensions::new()));
    let (mut client, server) = tokio::io::duplex(1024);
    let service = {
        let learned = Arc::clone(&learned);
        service_fn(move |request: Request<Incoming>| {
            let learned = Arc::clone(&learned);
            async move {
                let extensions = request.into_parts().0.extensions;
                *learned.lock().unwrap_or_else(PoisonError::into_inner) = extensions;
                Ok::<_, Infallible>(Response::new(String::new()))
            }
        })
    };
    let connection = hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(server), service);
    // Ends with the one request; what fails leaves names in lowercase, which is as good.
    let (_, _) = tokio::join!(client.write_all(NAMES), connection);
    let mut learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *learned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn an_answer_has_the_name_in_its_case() {
        let case = learn().await;
        let (mut client, server) = tokio::io::duplex(1024);
        let service = service_fn(move |_: Request<Incoming>| {
            let mut response = Response::new(String::new());
            response
                .headers_mut()
                .insert("correlation-id", http::HeaderValue::from_static("x"));
            response.extensions_mut().extend(case.clone());
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(server), service);
        let request = b"GET / HTTP/1.1\r\nHost: -\r\nConnection: close\r\n\r\n";
        let (written, _) = tokio::join!(client.write_all(request), connection);
        written.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("\r\nCorrelation-ID: x\r\n"), "{answer}");
    }
}
