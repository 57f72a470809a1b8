//! Makes files of the fragments of a version's units: read, unpacked, encoded and stored
//! side by side, without any of it entering the sandbox.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use pith_db::Database;
use pith_db::fragment::Packed;
use pith_model::UnitId;
use pith_storage::{Expected, Incoming, Writer};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Services;
use crate::encode::{Encoder, Encoding, FRAME, Plain};
use crate::error::{Error, Result};
use crate::fragment::{Dictionaries, Row, Unpacker};

/// One file in the making: a header, fragments of every unit, a footer.
#[derive(Clone, Debug)]
pub struct Strand {
    /// What comes first.
    pub header: Vec<u8>,
    /// The fragments of each unit, in this order.
    pub fragments: Vec<String>,
    /// What comes last.
    pub footer: Vec<u8>,
    /// The file's form.
    pub encoding: Encoding,
}

/// More files than any index has.
const MAX_STRANDS: usize = 16;

/// So many units are read with one query.
pub(crate) const READ: usize = 250;

/// So many queries are under way.
const QUERIES: usize = 2;

/// What may wait between two stages.
const CHANNEL: usize = 2;

/// A strand's bytes go on when there are so many, or a multiple: the encoder takes them as they
/// are then.
const ONWARD: usize = FRAME;

/// A buffer that has become larger is not filled anew.
const MOST_KEPT: usize = 4 * ONWARD;

/// Makes the files; the memory it takes does not grow with the units.
pub(crate) async fn run(
    services: &Services,
    units: &[UnitId],
    strands: Vec<Strand>,
) -> Result<Vec<(Incoming, Plain)>> {
    if strands.len() > MAX_STRANDS {
        return Err(Error::limit(format!(
            "{} files were to be spliced at once; at most {MAX_STRANDS} are",
            strands.len()
        )));
    }
    let mut feeds = Vec::new();
    let mut files = Vec::new();
    for strand in &strands {
        let algorithms = &strand.encoding.algorithms;
        let writer = services.store.create(algorithms);
        let (full, plain) = mpsc::channel(CHANNEL);
        let (used, empty) = mpsc::channel(CHANNEL);
        let encoder = Encoder::new(&strand.encoding)?;
        let runtime = Handle::current();
        feeds.push(Feed { full, empty });
        files.push(tokio::task::spawn_blocking(move || {
            write(encoder, writer, plain, &used, &runtime)
        }));
    }
    let (rows, unpacked) = mpsc::channel(CHANNEL);
    let unpacking = tokio::task::spawn_blocking(move || unpack(unpacked, &strands, feeds));
    let reading = read(services, units, rows).await;
    // The stage behind tells why, if it is the one that failed.
    joined(unpacking).await?;
    let mut written = Vec::with_capacity(files.len());
    for file in files {
        written.push(joined(file).await?);
    }
    reading?;
    Ok(written)
}

/// Where a strand's bytes go, and where their memory comes back from.
struct Feed {
    full: mpsc::Sender<Vec<u8>>,
    empty: mpsc::Receiver<Vec<u8>>,
}

impl Feed {
    /// Sends what goes on of a buffer, which is left with the rest. Whether somebody took it.
    fn send(&mut self, buffer: &mut Vec<u8>) -> bool {
        let whole = buffer.len() - buffer.len() % ONWARD;
        let mut next = self.empty.try_recv().unwrap_or_default();
        next.clear();
        next.extend_from_slice(&buffer[whole..]);
        buffer.truncate(whole);
        self.full
            .blocking_send(std::mem::replace(buffer, next))
            .is_ok()
    }
}

async fn joined<T>(stage: JoinHandle<Result<T>>) -> Result<T> {
    stage.await.map_err(|error| {
        tracing::error!(%error, "a stage of a splice panicked: {error}");
        Error::internal("a stage of a splice broke; the server's log says why")
    })?
}

/// Reads rows in the order of the units.
async fn read(services: &Services, units: &[UnitId], rows: mpsc::Sender<Vec<Row>>) -> Result<()> {
    let mut dictionaries = Dictionaries::default();
    let batches: Vec<Vec<UnitId>> = units.chunks(READ).map(<[UnitId]>::to_vec).collect();
    let mut batches = futures::stream::iter(batches)
        .map(|batch| read_batch(services.database.clone(), batch))
        .buffered(QUERIES);
    while let Some(batch) = batches.try_next().await? {
        let batch = complete(services, &mut dictionaries, batch).await?;
        if rows.send(batch).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn read_batch(database: Database, units: Vec<UnitId>) -> Result<Vec<Packed>> {
    let mut connection = database.read().await?;
    let found = pith_db::fragment::find(&mut connection, &units).await?;
    let mut found: HashMap<UnitId, Packed> = found.into_iter().collect();
    Ok(units.iter().filter_map(|unit| found.remove(unit)).collect())
}

async fn complete(
    services: &Services,
    dictionaries: &mut Dictionaries,
    batch: Vec<Packed>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(batch.len());
    for packed in batch {
        rows.push(dictionaries.complete(&services.database, packed).await?);
    }
    Ok(rows)
}

/// The fragments of a few units one after the other, for a file that is being written.
pub(crate) async fn gather(
    services: &Services,
    units: &[UnitId],
    names: &[String],
) -> Result<Vec<u8>> {
    let batch = read_batch(services.database.clone(), units.to_vec()).await?;
    let rows = complete(services, &mut Dictionaries::default(), batch).await?;
    let mut unpacker = Unpacker::default();
    let mut gathered = Vec::new();
    for row in rows {
        append(
            &mut unpacker,
            &row,
            &[names],
            std::slice::from_mut(&mut gathered),
        )?;
    }
    Ok(gathered)
}

/// Appends a row's fragments to buffers, each of which wants some by name.
fn append(
    unpacker: &mut Unpacker,
    row: &Row,
    wanted: &[&[String]],
    buffers: &mut [Vec<u8>],
) -> Result<()> {
    let mut fragments: Vec<(&[u8], &[u8])> = Vec::with_capacity(8);
    unpacker.unpack(row, |name, bytes| fragments.push((name, bytes)))?;
    for (names, buffer) in wanted.iter().zip(buffers) {
        for wanted in *names {
            let found = fragments
                .iter()
                .find(|(name, _)| *name == wanted.as_bytes());
            if let Some((_, bytes)) = found {
                buffer.extend_from_slice(bytes);
            }
        }
    }
    Ok(())
}

/// Puts each row's fragments where they belong. Ends early, and well, when a file failed:
/// that one says why.
fn unpack(
    mut rows: mpsc::Receiver<Vec<Row>>,
    strands: &[Strand],
    mut feeds: Vec<Feed>,
) -> Result<()> {
    let mut unpacker = Unpacker::default();
    let mut buffers: Vec<Vec<u8>> = strands.iter().map(|one| one.header.clone()).collect();
    let wanted: Vec<&[String]> = strands.iter().map(|one| one.fragments.as_slice()).collect();
    while let Some(batch) = rows.blocking_recv() {
        for row in batch {
            append(&mut unpacker, &row, &wanted, &mut buffers)?;
            for (buffer, feed) in buffers.iter_mut().zip(&mut feeds) {
                if buffer.len() >= ONWARD && !feed.send(buffer) {
                    return Ok(());
                }
            }
        }
    }
    for ((strand, mut buffer), feed) in strands.iter().zip(buffers).zip(feeds) {
        buffer.extend_from_slice(&strand.footer);
        if feed.full.blocking_send(buffer).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Encodes and stores one file.
fn write(
    mut encoder: Encoder,
    mut writer: Box<dyn Writer>,
    mut plain: mpsc::Receiver<Vec<u8>>,
    used: &mpsc::Sender<Vec<u8>>,
    runtime: &Handle,
) -> Result<(Incoming, Plain)> {
    while let Some(bytes) = plain.blocking_recv() {
        let encoded = encoder.take(&bytes)?;
        // If there are enough of them, or it held a fragment of many megabytes, it is let go.
        if bytes.capacity() <= MOST_KEPT {
            let _ = used.try_send(bytes);
        }
        if !encoded.is_empty() {
            runtime.block_on(writer.write(encoded))?;
        }
    }
    let (rest, plain) = encoder.finish()?;
    let incoming = runtime.block_on(async {
        writer.write(rest).await?;
        writer.finish(&Expected::nothing()).await
    })?;
    Ok((incoming, plain))
}
