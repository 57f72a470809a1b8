//! What is called durable survives a power loss, and many who wait share one sync.

use std::time::Duration;

use pith_storage::faults::Event;
use pith_storage::{Durable, Result, Store as _};
use tokio::task::JoinHandle;

use crate::support::TestStore;

fn make_durable(test: &TestStore, placed: pith_storage::Placed) -> JoinHandle<Result<Durable>> {
    let store = test.store.clone();
    tokio::spawn(async move { store.make_durable(placed).await })
}

async fn until_syncs_began(test: &TestStore, count: usize) {
    while test.count(|event| *event == Event::SyncBegan) < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn no_row_can_be_committed_before_the_sync_returned() {
    for count in [1, 3, 100] {
        let test = TestStore::open();
        let incoming = test.put(count).await;
        let placed = test.store.place(incoming).await.unwrap();
        let digest = placed.files()[0].digests.sha256;
        assert!(!test.faults.is_durable(&digest));

        test.faults.hold_syncs();
        let waiting = make_durable(&test, placed);
        until_syncs_began(&test, 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        assert!(!test.faults.is_durable(&digest));

        test.faults.release_syncs();
        let durable = waiting.await.unwrap().unwrap();
        test.faults.note("row committed");
        assert!(
            durable
                .files()
                .iter()
                .all(|file| test.faults.is_durable(&file.digests.sha256))
        );

        let events = test.faults.events();
        let last_sync = events
            .iter()
            .rposition(|event| matches!(event, Event::FolderSynced | Event::FileSystemSynced));
        let last_name = events
            .iter()
            .rposition(|event| matches!(event, Event::Placed(_)));
        assert!(last_name < last_sync);
        assert_eq!(last_sync, Some(events.len() - 2), "{:?}", events.last());
    }
}

#[tokio::test]
async fn who_waits_while_a_sync_runs_shares_the_next_one() {
    let test = TestStore::open();
    test.faults.hold_syncs();
    let mut waiting = Vec::new();
    for batch in 0..50 {
        let incoming = test.put(20 + batch).await;
        let placed = test.store.place(incoming).await.unwrap();
        waiting.push(make_durable(&test, placed));
        if batch == 0 {
            until_syncs_began(&test, 1).await;
        }
    }
    // All are in the queue: what they poll next is the answer.
    tokio::time::sleep(Duration::from_millis(20)).await;
    test.faults.release_syncs();
    for batch in waiting {
        drop(batch.await.unwrap().unwrap());
    }
    // The first; the second for the 49 others; and one for the names that were taken.
    assert_eq!(test.count(|event| *event == Event::FileSystemSynced), 3);
}

#[tokio::test]
async fn what_was_placed_but_not_synced_may_be_lost() {
    for count in [1, 100] {
        let test = TestStore::open();
        let incoming = test.put(count).await;
        let placed = test.store.place(incoming).await.unwrap();
        let digest = placed.files()[0].digests.sha256;
        let lost = test.faults.lose_unsynced().unwrap();
        assert_eq!(lost, usize::try_from(count).unwrap());
        assert!(test.is_there(&digest).await, "an empty file has the name");
        assert!(!test.store.verify(&digest).await.unwrap());
        drop(placed);

        let incoming = test.put(count).await;
        let durable = test.store.keep(incoming).await.unwrap();
        assert_eq!(test.faults.lose_unsynced().unwrap(), 0);
        for file in durable.files() {
            assert!(test.store.verify(&file.digests.sha256).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_large_file_is_synced_by_itself_and_needs_only_its_name() {
    let test = TestStore::open();
    let incoming = test.write(vec![1; 17 << 20]).await.unwrap();
    let synced = |event: &Event| matches!(event, Event::FileSynced(_));
    assert_eq!(test.count(synced), 1);
    let durable = test.store.keep(vec![incoming]).await.unwrap();
    assert_eq!(test.count(synced), 1);
    assert_eq!(test.count(|event| *event == Event::FolderSynced), 1);
    assert!(test.faults.is_durable(&durable.files()[0].digests.sha256));
}

#[tokio::test]
async fn nothing_is_durable_at_once() {
    let test = TestStore::open();
    let nothing = test.store.keep(Vec::new()).await.unwrap();
    assert!(nothing.and(Durable::nothing()).files().is_empty());
    assert!(test.faults.events().is_empty());
}
