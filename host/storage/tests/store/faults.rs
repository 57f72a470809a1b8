//! A full disk, and a broken one.

use pith_storage::faults::{Event, Faults};
use pith_storage::{Error, Expected, Store as _};

use crate::support::{TestStore, body};

#[tokio::test]
async fn a_full_disk_stops_a_file_and_frees_what_it_took() {
    let test = TestStore::with("enospc-after=1048576");
    let mut writer = test.store.create(&[]);
    let follower = writer.reader();
    writer.write(vec![0; 1 << 20].into()).await.unwrap();
    writer.write(vec![0].into()).await.unwrap();
    let error = writer.finish(&Expected::nothing()).await.unwrap_err();
    assert!(matches!(error, Error::Full), "{error}");
    assert!(matches!(
        follower.read_at(1 << 20, 1).await,
        Err(Error::Full)
    ));
    drop(follower);
    assert_eq!(test.temporary_files(), 0);

    test.faults.set_faults(Faults::default());
    let incoming = test.write("room again").await.unwrap();
    drop(test.store.keep(vec![incoming]).await.unwrap());
}

#[tokio::test]
async fn a_full_disk_stops_only_the_bodies_that_found_no_room() {
    let test = TestStore::with("enospc-after=2048");
    let bodies = (0..3).map(|number| body(number).into()).collect();
    let answers = test.store.put_small(bodies).await;
    assert!(matches!(&answers[..], [Ok(_), Ok(_), Err(Error::Full)]));
    assert_eq!(test.temporary_files(), 2);
}

#[tokio::test]
async fn a_write_that_fails_says_what_was_tried() {
    let test = TestStore::with("eio-write=2");
    let mut writer = test.store.create(&[]);
    writer.write(vec![0; 1 << 20].into()).await.unwrap();
    writer.write(vec![0; 1 << 20].into()).await.unwrap();
    let error = writer.write(vec![0; 1 << 20].into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not write a temporary file: Input/output error (os error 5)"
    );
    let again = writer.write(vec![0].into()).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    drop(writer);
    assert_eq!(test.temporary_files(), 0);
}

#[tokio::test]
async fn a_name_that_cannot_be_given_fails_the_batch_and_leaves_nothing_unfinished() {
    let test = TestStore::with("eio-rename=2");
    let incoming = test.put(3).await;
    let error = test.store.place(incoming).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("could not give the file sha256:"),
        "{error}"
    );
    assert_eq!((test.stored_files(), test.temporary_files()), (1, 0));

    let incoming = test.put(3).await;
    drop(test.store.keep(incoming).await.unwrap());
    assert_eq!(test.stored_files(), 3);
}

#[tokio::test]
async fn a_sync_that_fails_makes_nothing_durable() {
    for count in [1, 100] {
        let test = TestStore::with("eio-sync=1");
        let incoming = test.put(count).await;
        let placed = test.store.place(incoming).await.unwrap();
        let digest = placed.files()[0].digests.sha256;
        let error = test.store.make_durable(placed).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("to the disk: Input/output error"),
            "{error}"
        );
        assert!(!test.faults.is_durable(&digest));

        let incoming = test.put(count).await;
        drop(test.store.keep(incoming).await.unwrap());
        assert!(test.faults.is_durable(&digest));
    }
}

#[tokio::test]
async fn a_failed_sync_spoils_what_was_being_written_then() {
    let test = TestStore::with("eio-sync=1");
    let early = test.put(20).await;
    let other = test.put(30).await;
    test.store.keep(other).await.unwrap_err();

    // The next sync would succeed, though these bytes may be gone: the kernel tells only once.
    let error = test.store.keep(early).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the disk failed while they were being written"),
        "{error}"
    );

    let later = test.put(20).await;
    let durable = test.store.keep(later).await.unwrap();
    assert!(
        durable
            .files()
            .iter()
            .all(|file| test.faults.is_durable(&file.digests.sha256))
    );
}

#[tokio::test]
async fn a_failed_file_does_not_fail_those_who_share_the_round() {
    let test = TestStore::open();
    test.faults.hold_syncs();
    let first = keep(&test, test.put(1).await);
    while test.count(|event| *event == Event::SyncBegan) == 0 {
        tokio::task::yield_now().await;
    }
    let second = keep(&test, vec![test.write("second").await.unwrap()]);
    let third = keep(&test, vec![test.write("third").await.unwrap()]);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    test.faults.set_faults(Faults {
        eio_sync: Some(2),
        ..Faults::default()
    });
    test.faults.release_syncs();
    // The first file's folder is the first sync of the new count.
    drop(first.await.unwrap().unwrap());
    let results = [second.await.unwrap(), third.await.unwrap()];
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
}

fn keep(
    test: &TestStore,
    incoming: Vec<pith_storage::Incoming>,
) -> tokio::task::JoinHandle<pith_storage::Result<pith_storage::Durable>> {
    let store = test.store.clone();
    tokio::spawn(async move { store.keep(incoming).await })
}
