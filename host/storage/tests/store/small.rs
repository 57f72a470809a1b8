//! Many small bodies at once.

use std::collections::HashSet;

use bytes::Bytes;
use pith_storage::faults::Event;
use pith_storage::{Algorithm, Error, Expected, Sha256Digest, SmallBody, Store as _};

use crate::support::{TestStore, body};

#[tokio::test]
async fn a_thousand_bodies_are_stored_with_one_sync() {
    let test = TestStore::open();
    let incoming = test.put(1000).await;
    let durable = test.store.keep(incoming).await.unwrap();
    let found: Vec<_> = durable
        .files()
        .iter()
        .map(|file| file.digests.sha256)
        .collect();
    let expected: Vec<_> = (0..1000)
        .map(|number| Sha256Digest::of(&body(number)))
        .collect();
    assert_eq!(found, expected, "the order is that of the bodies");
    assert_eq!(test.count(|event| *event == Event::SyncBegan), 1);
    assert_eq!(test.count(|event| *event == Event::FileSystemSynced), 1);
    assert_eq!(test.read(&expected[999]).await, body(999));
    assert_eq!(test.temporary_files(), 0);

    let mut listed = HashSet::new();
    for first in 0..=u8::MAX {
        for file in test.store.list(first).await.unwrap() {
            assert_eq!(file.size, 1024);
            listed.insert(file.digest);
        }
    }
    assert_eq!(listed, expected.into_iter().collect());
}

#[tokio::test]
async fn one_wrong_body_does_not_touch_the_others() {
    let test = TestStore::open();
    let right = Expected::nothing()
        .with_digest(Sha256Digest::of(b"right"))
        .with_size(5);
    let bodies = vec![
        SmallBody {
            bytes: Bytes::from("right"),
            algorithms: vec![Algorithm::Sha1],
            expected: right.clone(),
        },
        SmallBody {
            bytes: Bytes::from("wrong"),
            expected: right,
            ..SmallBody::default()
        },
        Bytes::from("any").into(),
    ];
    let mut answers = test.store.put_small(bodies).await.into_iter();
    assert!(answers.next().unwrap().unwrap().digests().sha1.is_some());
    assert!(matches!(
        answers.next().unwrap(),
        Err(Error::DigestMismatch { .. })
    ));
    assert_eq!(
        answers.next().unwrap().unwrap().sha256(),
        Sha256Digest::of(b"any")
    );
}
