//! Files that come in chunks: alone with the file, on from where it was left, sealed at last.

#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here says where and why"
)]

use std::time::Duration;

use pith_storage::faults::Event;
use pith_storage::{
    Algorithm, Chunk, ChunkPlan, Digests, Incoming, ResumableHasher, Session, SessionName,
    Sha256Digest, Store as _, Stored,
};

use crate::support::{TestStore, files_below};

const NAME: SessionName = SessionName(7);

async fn send(
    session: &mut dyn Session,
    offset: u64,
    hasher: Option<ResumableHasher>,
    bytes: &'static str,
) -> Chunk {
    session.begin(ChunkPlan {
        offset,
        hasher,
        algorithms: Vec::new(),
    });
    session.write(bytes.into()).await.unwrap();
    session.end().await.unwrap()
}

fn stored(bytes: &str) -> Stored {
    Stored {
        digests: Digests::only(Sha256Digest::of(bytes.as_bytes())),
        size: bytes.len() as u64,
    }
}

fn session_files(test: &TestStore) -> usize {
    files_below(test.directory.path().join("upload")).len()
}

async fn begin(test: &TestStore) -> Box<dyn Session> {
    let mut session = test.store.begin_session(NAME).await.unwrap();
    session.keep();
    session
}

async fn keep(test: &TestStore, incoming: Incoming) {
    drop(test.store.keep(vec![incoming]).await.unwrap());
}

#[tokio::test]
async fn it_goes_on_from_where_it_was_left() {
    let test = TestStore::open();
    let mut session = begin(&test).await;
    let first = send(&mut *session, 0, Some(ResumableHasher::default()), "hello ").await;
    // What breaks off is there, and does not count.
    session.begin(ChunkPlan {
        offset: 6,
        ..ChunkPlan::default()
    });
    session
        .write("broken off, and longer".into())
        .await
        .unwrap();
    drop(session);

    let saved = first.hasher.unwrap().save();
    let mut session = test.store.resume_session(NAME).await.unwrap().unwrap();
    let hasher = ResumableHasher::restore(&saved);
    let second = send(&mut *session, 6, hasher, "world").await;
    let whole = stored("hello world");
    assert_eq!(second.hasher.unwrap().digest(), whole.digests.sha256);
    let digests = session.digest(6..11, &[Algorithm::Md5]).await.unwrap();
    assert_eq!(digests.sha256, Sha256Digest::of(b"world"));
    let read = session
        .hash(ResumableHasher::default(), 0..11)
        .await
        .unwrap();
    assert_eq!(read.digest(), whole.digests.sha256);

    let incoming = session.seal(whole.clone()).await.unwrap();
    keep(&test, incoming).await;
    assert_eq!(test.read(&whole.digests.sha256).await, "hello world");
    assert!(test.store.verify(&whole.digests.sha256).await.unwrap());
}

#[tokio::test]
async fn it_is_one_senders_at_a_time() {
    let test = TestStore::open();
    let session = begin(&test).await;
    let waiting = tokio::spawn({
        let store = test.store.clone();
        async move {
            store
                .resume_session(NAME)
                .await
                .map(|found| found.is_some())
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    assert!(session.is_contested());
    assert!(
        test.store
            .idle_sessions(Duration::ZERO)
            .await
            .unwrap()
            .is_empty()
    );
    drop(session);
    assert!(waiting.await.unwrap().unwrap());
    let idle = test.store.idle_sessions(Duration::ZERO).await.unwrap();
    assert_eq!(idle, [NAME]);
    assert!(
        test.store
            .idle_sessions(Duration::from_mins(1))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn another_process_waits_for_its_end() {
    let test = TestStore::open();
    let session = begin(&test).await;
    // A store of its own has turns of its own: only the lock of the file is shared.
    let other = pith_storage::DirectoryStore::open(test.directory.path()).unwrap();
    let attempt = tokio::time::timeout(Duration::from_millis(100), other.resume_session(NAME));
    assert!(attempt.await.is_err());
    drop(session);
    assert!(other.resume_session(NAME).await.unwrap().is_some());
}

#[tokio::test]
async fn a_new_one_that_is_not_kept_leaves_nothing() {
    let test = TestStore::open();
    let mut session = test.store.begin_session(NAME).await.unwrap();
    send(&mut *session, 0, None, "bytes").await;
    assert_eq!(session_files(&test), 1);
    drop(session);
    assert_eq!(session_files(&test), 0);
    assert!(test.store.resume_session(NAME).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_sealed_is_on_the_disk_before_it_has_its_name() {
    let test = TestStore::open();
    let mut session = begin(&test).await;
    send(&mut *session, 0, None, "bytes and more").await;
    let cut = stored("bytes");
    let incoming = session.seal(cut.clone()).await.unwrap();
    let events = test.faults.events();
    assert!(
        matches!(events.last(), Some(Event::FileSynced(_))),
        "{events:?}"
    );
    keep(&test, incoming).await;
    assert!(test.faults.is_durable(&cut.digests.sha256));
    test.store.remove_sessions(&[NAME]).await.unwrap();
    assert_eq!(session_files(&test), 0);
    assert_eq!(test.temporary_files(), 0);
    assert_eq!(test.read(&cut.digests.sha256).await, "bytes");
    assert_eq!(test.faults.lose_unsynced().unwrap(), 0);
}

#[tokio::test]
async fn it_can_be_sealed_again_when_it_was_not_stored() {
    let test = TestStore::with("eio-rename=1");
    let mut session = begin(&test).await;
    send(&mut *session, 0, None, "bytes").await;
    let whole = stored("bytes");
    let incoming = session.seal(whole.clone()).await.unwrap();
    assert!(test.store.keep(vec![incoming]).await.is_err());
    assert_eq!(test.temporary_files(), 0);
    let incoming = session.seal(whole.clone()).await.unwrap();
    keep(&test, incoming).await;
    // Its name is taken by itself now, which does no harm either.
    let incoming = session.seal(whole.clone()).await.unwrap();
    keep(&test, incoming).await;
    assert_eq!(test.read(&whole.digests.sha256).await, "bytes");
}

#[tokio::test]
async fn a_full_disk_and_a_failed_sync_are_told() {
    let test = TestStore::with("enospc-after=3,eio-sync=1");
    let mut session = begin(&test).await;
    session.begin(ChunkPlan::default());
    session.write("bytes".into()).await.unwrap();
    assert!(matches!(
        session.end().await,
        Err(pith_storage::Error::Full)
    ));
    assert!(session.sync().await.is_err());
}
