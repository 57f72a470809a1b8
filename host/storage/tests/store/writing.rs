//! One file through a writer.

use bytes::Bytes;
use pith_storage::{Algorithm, Digest, Error, Expected, Sha256Digest, Store as _};

use crate::support::TestStore;

const MANY: usize = 3 * 1024 * 1024 + 7;

#[tokio::test]
async fn bytes_come_back_as_they_were_written() {
    let test = TestStore::open();
    let bytes: Vec<u8> = (0..MANY)
        .map(|index| u8::try_from(index % 251).unwrap())
        .collect();
    let mut writer = test.store.create(&[Algorithm::Md5, Algorithm::Sha512]);
    for chunk in bytes.chunks(10_000) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    let incoming = writer.finish(&Expected::nothing()).await.unwrap();
    assert_eq!(incoming.size(), MANY as u64);
    assert_eq!(incoming.sha256(), Sha256Digest::of(&bytes));
    assert!(incoming.digests().md5.is_some() && incoming.digests().sha512.is_some());
    assert!(incoming.digests().sha1.is_none());
    let early = incoming.open().unwrap().read_at(5, 10).await.unwrap();
    assert_eq!(early, bytes[5..15]);

    let durable = test.store.keep(vec![incoming]).await.unwrap();
    let digest = durable.files()[0].digests.sha256;
    assert_eq!(test.read(&digest).await, bytes);
    let reader = test.store.open(&digest).await.unwrap();
    assert_eq!(reader.length(), MANY as u64);
    assert!(reader.as_file().is_some());
    assert_eq!(
        reader.read_at(MANY as u64 - 2, 10).await.unwrap(),
        bytes[MANY - 2..]
    );
    assert_eq!(
        reader.read_at(MANY as u64 + 2, 10).await.unwrap(),
        Bytes::new()
    );
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let test = TestStore::open();
    let incoming = test
        .store
        .create(&[])
        .finish(&Expected::nothing().with_size(0))
        .await
        .unwrap();
    let durable = test.store.keep(vec![incoming]).await.unwrap();
    assert_eq!(
        test.read(&durable.files()[0].digests.sha256).await,
        Bytes::new()
    );
}

#[tokio::test]
async fn a_writer_that_is_given_up_leaves_nothing() {
    let test = TestStore::open();
    let mut writer = test.store.create(&[]);
    writer.write(vec![1; MANY].into()).await.unwrap();
    // The first flush may still be under way; a second write waits for it.
    writer.write(vec![1; MANY].into()).await.unwrap();
    assert_eq!(test.temporary_files(), 1);
    drop(writer);
    while test.temporary_files() > 0 {
        tokio::task::yield_now().await;
    }

    let incoming = test.write("abc").await.unwrap();
    assert_eq!(test.temporary_files(), 1);
    drop(incoming);
    assert_eq!(test.temporary_files(), 0);
}

#[tokio::test]
async fn bytes_that_are_not_as_announced_are_refused_and_removed() {
    let test = TestStore::open();
    let announced = Digest::from_hex(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").unwrap();
    let expected = Expected::nothing().with_digest(announced);
    let mut writer = test.store.create(&expected.algorithms());
    writer.write("abd".into()).await.unwrap();
    let error = writer.finish(&expected).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the digest does not match: expected md5:900150983cd24fb0d6963f7d28e17f72, \
         but the bytes have md5:4911e516e5aa21d327512e0c8b197616"
    );
    let mut writer = test.store.create(&[]);
    writer.write("abc".into()).await.unwrap();
    let error = writer
        .finish(&Expected::nothing().with_size(5))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::SizeMismatch {
            expected: 5,
            actual: 3,
            at_least: false
        }
    ));
    assert_eq!(test.temporary_files(), 0);
}

#[tokio::test]
async fn what_exceeds_the_limit_stops_early() {
    let test = TestStore::open();
    let mut writer = test.store.create(&[]);
    writer.limit(MANY as u64);
    writer.write(vec![0; MANY].into()).await.unwrap();
    let error = writer.write(vec![0].into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the size does not match: expected 3145735 bytes, but there are 3145736 or more"
    );
    let again = writer.finish(&Expected::nothing()).await.unwrap_err();
    assert!(matches!(again, Error::SizeMismatch { at_least: true, .. }));
    assert_eq!(test.temporary_files(), 0);
}
