//! Reading a file while it is written.

use bytes::{Bytes, BytesMut};
use pith_storage::{Error, Expected, Growing, Result, Sha256Digest, Store as _};

use crate::support::TestStore;

async fn read_all(file: Growing, step: usize) -> Result<Bytes> {
    let mut all = BytesMut::new();
    loop {
        let next = file.read_at(all.len() as u64, step).await?;
        if next.is_empty() {
            return Ok(all.freeze());
        }
        all.extend_from_slice(&next);
    }
}

#[tokio::test]
async fn readers_follow_at_their_own_pace_and_outlive_the_writing() {
    let test = TestStore::open();
    let bytes: Vec<u8> = (0..200_000_u32)
        .map(|index| (index % 241).try_into().unwrap())
        .collect();
    let mut writer = test.store.create(&[]);
    let followers: Vec<_> = [333, 65_536]
        .into_iter()
        .map(|step| tokio::spawn(read_all(writer.reader(), step)))
        .collect();
    let late = writer.reader();
    for chunk in bytes.chunks(5_000) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        assert!(late.length().is_none());
    }
    let incoming = writer.finish(&Expected::nothing()).await.unwrap();
    drop(test.store.keep(vec![incoming]).await.unwrap());
    test.store
        .remove(&[Sha256Digest::of(&bytes)])
        .await
        .unwrap();
    assert_eq!(late.ended().await.unwrap(), 200_000);
    assert_eq!(late.length(), Some(200_000));
    assert_eq!(read_all(late, 10_000).await.unwrap(), bytes);
    for follower in followers {
        assert_eq!(follower.await.unwrap().unwrap(), bytes);
    }
}

#[tokio::test]
async fn every_byte_can_be_read_before_more_come() {
    let test = TestStore::open();
    let mut writer = test.store.create(&[]);
    let follower = writer.reader();
    for (offset, byte) in (0..10_u8).enumerate() {
        writer.write(vec![byte].into()).await.unwrap();
        assert_eq!(
            follower.read_at(offset as u64, 100).await.unwrap(),
            vec![byte]
        );
    }
    assert_eq!(follower.written(), 10);
}

#[tokio::test]
async fn a_file_that_breaks_off_or_is_wrong_does_not_end_well() {
    let test = TestStore::open();
    let mut writer = test.store.create(&[]);
    let follower = writer.reader();
    writer.write("abc".into()).await.unwrap();
    drop(writer);
    assert_eq!(follower.read_at(0, 10).await.unwrap(), "abc");
    assert!(matches!(
        follower.read_at(3, 10).await,
        Err(Error::Abandoned)
    ));

    let mut writer = test.store.create(&[]);
    let follower = writer.reader();
    writer.write("abc".into()).await.unwrap();
    let other = Expected::nothing().with_digest(Sha256Digest::of(b"other"));
    writer.finish(&other).await.unwrap_err();
    assert!(matches!(
        read_all(follower, 10).await,
        Err(Error::DigestMismatch { .. })
    ));
}
