//! Measures a store in a directory: `cargo run --release -p pith-storage --example measure -- <directory>`.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pith_storage::{Algorithm, DirectoryStore, Expected, Result, Store};

const SMALL: u64 = 10_000;
const LARGE: u64 = 1 << 30;
const CHUNK: usize = 64 * 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let directory = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "measured-store".to_owned());
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(&directory)?);
    let run = std::process::id();

    one_small(&store, run).await?;
    for round in 0..3 {
        many_small(&store, run, round).await?;
    }
    for round in 0..3 {
        large(&store, &[], "sha256", run, round).await?;
    }
    large(
        &store,
        &[Algorithm::Md5, Algorithm::Sha1],
        "sha256 + sha1 + md5",
        run,
        3,
    )
    .await?;
    large(&store, &Algorithm::ALL, "all six", run, 4).await?;
    show_memory();
    Ok(())
}

async fn one_small(store: &Arc<dyn Store>, run: u32) -> Result<()> {
    let begin = Instant::now();
    for number in 0..100 {
        let body = Bytes::from(format!("{run} alone {number:01000}"));
        let incoming = store.put_small(vec![body.into()]).await.remove(0)?;
        drop(store.keep(vec![incoming]).await?);
    }
    println!(
        "1 x 1 KiB, one after the other: {:?} each",
        begin.elapsed() / 100
    );

    let begin = Instant::now();
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let body = Bytes::from(format!("{run} together {number:01000}"));
                let incoming = store.put_small(vec![body.into()]).await.remove(0)?;
                store.keep(vec![incoming]).await
            })
        })
        .collect();
    for task in tasks {
        drop(task.await.expect("a task does not panic")?);
    }
    println!(
        "1 x 1 KiB, 1,000 at the same time: {:?} for all",
        begin.elapsed()
    );
    Ok(())
}

async fn many_small(store: &Arc<dyn Store>, run: u32, round: u32) -> Result<()> {
    let bodies: Vec<_> = (0..SMALL)
        .map(|number| Bytes::from(format!("{run} {round} {number:01000}")).into())
        .collect();
    let begin = Instant::now();
    let incoming = store
        .put_small(bodies)
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let put = begin.elapsed();
    let placed = store.place(incoming).await?;
    let named = begin.elapsed();
    let durable = store.make_durable(placed).await?;
    println!(
        "{SMALL} x 1 KiB: put after {put:?}, placed after {named:?}, durable after {:?}",
        begin.elapsed()
    );
    drop(durable);
    Ok(())
}

async fn large(
    store: &Arc<dyn Store>,
    algorithms: &[Algorithm],
    name: &str,
    run: u32,
    round: u32,
) -> Result<()> {
    let mut chunk = vec![0; CHUNK];
    chunk[..8].copy_from_slice(&((u64::from(run) << 32) | u64::from(round)).to_le_bytes());
    let chunk = Bytes::from(chunk);
    let begin = Instant::now();
    let mut writer = store.create(algorithms);
    for _ in 0..LARGE / CHUNK as u64 {
        writer.write(chunk.clone()).await?;
    }
    let written = begin.elapsed();
    let incoming = writer.finish(&Expected::nothing()).await?;
    let finished = begin.elapsed();
    let durable = store.keep(vec![incoming]).await?;
    println!(
        "1 GiB, {name}: written {written:?}, finished {finished:?}, durable {:?}",
        begin.elapsed()
    );
    let digest = durable.files()[0].digests.sha256;
    drop(durable);
    store.remove(&[digest]).await?;
    Ok(())
}

fn show_memory() {
    let status = Command::new("grep")
        .args(["VmHWM", &format!("/proc/{}/status", std::process::id())])
        .output()
        .expect("Linux has grep");
    print!(
        "most memory used: {}",
        String::from_utf8_lossy(&status.stdout)
    );
}
