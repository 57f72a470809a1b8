//! Files get their names, lose them, and are told apart.

use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use pith_storage::faults::Event;
use pith_storage::{DirectoryStore, Error, Sha256Digest, Store};

use crate::support::{TestStore, body, files_below};

#[tokio::test]
async fn a_file_is_found_by_its_digest_until_it_is_removed() {
    let test = TestStore::open();
    let digest = Sha256Digest::of(b"abc");
    assert!(!test.is_there(&digest).await);
    assert!(
        matches!(test.store.open(&digest).await, Err(Error::Missing(missing)) if missing == digest)
    );
    let incoming = test.write("abc").await.unwrap();
    let durable = test.store.keep(vec![incoming]).await.unwrap();
    assert!(test.is_there(&digest).await);
    assert!(test.store.verify(&digest).await.unwrap());

    // A row may be about to name it.
    assert_eq!(test.store.remove(&[digest]).await.unwrap(), [digest]);
    drop(durable);
    let reader = test.store.open(&digest).await.unwrap();
    assert_eq!(test.store.remove(&[digest]).await.unwrap(), []);
    assert_eq!(test.store.remove(&[digest]).await.unwrap(), []);
    assert!(!test.is_there(&digest).await);
    assert!(matches!(
        test.store.verify(&digest).await,
        Err(Error::Missing(_))
    ));
    assert_eq!(
        reader.read_at(0, 10).await.unwrap(),
        "abc",
        "an open file stays readable"
    );
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let test = TestStore::open();
    let directory = test.directory.path().join("deep/store");
    let store = DirectoryStore::open(&directory).unwrap();
    let incoming = store
        .put_small(vec![Bytes::from("abc").into()])
        .await
        .remove(0)
        .unwrap();
    drop(store.keep(vec![incoming]).await.unwrap());
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let digest = Sha256Digest::of(b"abc").to_string();
    let shard = directory.join("artifact").join(&digest[..2]);
    assert_eq!(mode(shard.join(&digest[2..])), 0o600);
    assert_eq!((mode(shard), mode(directory)), (0o700, 0o700));
    let space = store.space().await.unwrap().unwrap();
    assert!(space.available <= space.total);
}

#[tokio::test]
async fn what_is_in_the_place_of_a_file_is_not_trusted() {
    let test = TestStore::open();
    let digest = Sha256Digest::of(&body(0));
    let hex = digest.to_string();
    let path = test
        .directory
        .path()
        .join("artifact")
        .join(&hex[..2])
        .join(&hex[2..]);
    for count in [1, 100] {
        std::fs::write(&path, "left by a crash").unwrap();
        assert!(!test.store.verify(&digest).await.unwrap());
        let incoming = test.put(count).await;
        drop(test.store.keep(incoming).await.unwrap());
        assert_eq!(test.read(&digest).await, body(0));
    }
}

#[tokio::test]
async fn a_file_that_may_be_in_use_gives_way_only_to_bytes_that_are_on_the_disk() {
    for count in [1, 100] {
        let test = TestStore::open();
        let digest = Sha256Digest::of(&body(0));
        let incoming = test.put(count).await;
        drop(test.store.keep(incoming).await.unwrap());
        let incoming = test.put(count).await;
        let placed = test.store.place(incoming).await.unwrap();
        test.faults.lose_unsynced().unwrap();
        assert_eq!(test.read(&digest).await, body(0));
        drop(test.store.make_durable(placed).await.unwrap());
        test.faults.lose_unsynced().unwrap();
        assert_eq!(test.read(&digest).await, body(0));
        let all = usize::try_from(count).unwrap();
        assert_eq!(test.count(|event| matches!(event, Event::Replaced(_))), all);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_file_can_be_stored_by_many_at_once() {
    let test = TestStore::open();
    let digest = Sha256Digest::of(&body(7));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let store = test.store.clone();
            tokio::spawn(async move {
                let mut writer = store.create(&[]);
                writer.write(body(7)).await.unwrap();
                let incoming = writer
                    .finish(&pith_storage::Expected::nothing())
                    .await
                    .unwrap();
                store.keep(vec![incoming]).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        let durable = task.await.unwrap();
        assert_eq!(durable.files()[0].digests.sha256, digest);
        assert!(test.faults.is_durable(&digest));
    }
    assert_eq!(test.read(&digest).await, body(7));
    assert_eq!((test.stored_files(), test.temporary_files()), (1, 0));
}

#[tokio::test]
async fn the_same_body_twice_in_a_batch_is_one_file_and_two_answers() {
    let test = TestStore::open();
    let mut incoming = test.put(2).await;
    incoming.extend(test.put(2).await);
    let durable = test.store.keep(incoming).await.unwrap();
    assert_eq!(durable.files().len(), 4);
    assert_eq!(durable.files()[0], durable.files()[2]);
    assert_eq!((test.stored_files(), test.temporary_files()), (2, 0));
}

#[tokio::test]
async fn what_a_crash_left_is_cleared_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let abandoned = directory.path().join("tmp/1-1");
    std::fs::create_dir_all(&abandoned).unwrap();
    std::fs::write(abandoned.join("0"), "half a file").unwrap();
    let store = DirectoryStore::open(directory.path()).unwrap();
    let alive = store
        .put_small(vec![Bytes::from("abc").into()])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(store.recover().await.unwrap(), 1);
    assert_eq!(store.recover().await.unwrap(), 0);
    drop(store.keep(vec![alive]).await.unwrap());
    assert_eq!(files_below(directory.path().to_owned()).len(), 1);
}
