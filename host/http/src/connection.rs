//! How an answer's bytes reach the client: copied, or sent by the kernel straight from a
//! file, which takes a third of the time.
//!
//! An HTTP library wants bytes in memory. It is given a mark in their place ([`chunk`]),
//! and the wire below it, which sees the mark pass, sends the file ([`wire`]).

mod chunk;
mod outgoing;
mod wire;

pub(crate) use chunk::Pieces;
pub(crate) use outgoing::{Outgoing, Sendable};
pub(crate) use wire::Wire;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fs::File;
    use std::io::Write as _;
    use std::sync::Arc;

    use async_trait::async_trait;
    use axum::body::Body;
    use axum::response::Response;
    use bytes::{Buf as _, Bytes};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use pith_storage::Reader;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A file that has fewer bytes than its length says, if it was cut.
    struct Stored(Arc<File>, u64);

    #[async_trait]
    impl Reader for Stored {
        fn length(&self) -> u64 {
            self.1
        }

        async fn read_at(&self, _: u64, _: usize) -> pith_storage::Result<Bytes> {
            Ok(Bytes::new())
        }

        fn as_file(&self) -> Option<&Arc<File>> {
            Some(&self.0)
        }
    }

    fn stored(bytes: &[u8]) -> Arc<dyn Reader> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(Stored(Arc::new(file), bytes.len() as u64))
    }

    fn pattern() -> Vec<u8> {
        (0..3_500_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    /// What a client receives that asks twice over one connection for a part of a file.
    async fn received(reader: Arc<dyn Reader>, part: std::ops::Range<u64>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let wire = Wire::new(stream);
            let pieces = wire.pieces();
            let service = service_fn(move |_| {
                let mut response = Response::new(Body::from("the copying way"));
                let (reader, part) = (Arc::clone(&reader), part.clone());
                let sendable = Sendable { reader, part };
                response.extensions_mut().insert(sendable);
                let response = Outgoing::response(response, Some(pieces.clone()));
                async move { Ok::<_, Infallible>(response) }
            });
            let _ = http1::Builder::new()
                .writev(true)
                .serve_connection(wire, service)
                .await;
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let requests = "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(requests.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all
    }

    fn bodies(received: &[u8], length: usize) -> Vec<&[u8]> {
        let mut rest = received;
        let mut bodies = Vec::new();
        while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = &rest[end + 4..];
            let (body, after) = body.split_at(body.len().min(length));
            bodies.push(body);
            rest = after;
        }
        bodies
    }

    #[tokio::test]
    async fn a_part_of_a_file_arrives_as_it_is() {
        let bytes = pattern();
        for part in [0..bytes.len(), 1_048_570..5_000_000, 77..78] {
            let received = received(stored(&bytes), part.start as u64..part.end as u64).await;
            let bodies = bodies(&received, part.len());
            assert_eq!(bodies.len(), 2);
            assert!(bodies.iter().all(|body| *body == &bytes[part.clone()]));
        }
    }

    #[tokio::test]
    async fn a_file_that_was_cut_ends_the_connection() {
        let reader = stored(&pattern());
        reader.as_file().unwrap().set_len(1_500_000).unwrap();
        let received = received(reader, 0..14_000_000).await;
        assert!(bodies(&received, 14_000_000)[0].len() <= 1_500_000);
    }

    #[test]
    #[should_panic(expected = "copied instead of sent")]
    fn whoever_copies_the_mark_is_stopped() {
        let reader = stored(b"hello");
        let mut chunk = Pieces::default().push(reader.as_file().unwrap(), 0, 5);
        assert_eq!(chunk.remaining(), 5);
        let _ = chunk.copy_to_bytes(5);
    }
}
