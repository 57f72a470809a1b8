//! Reading a file while it is being written.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::reader;

/// How far the writing has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) file: Option<Arc<File>>,
    pub(crate) written: u64,
    pub(crate) end: Option<Result<()>>,
}

/// Reads a file that is still being written; every clone at its own pace.
///
/// It reads until it is dropped, also after the file was stored or removed.
#[derive(Debug, Clone)]
pub struct Growing {
    progress: watch::Receiver<Progress>,
}

impl Growing {
    pub(crate) fn follow(progress: &watch::Sender<Progress>) -> Self {
        Self {
            progress: progress.subscribe(),
        }
    }

    /// How many bytes can be read without waiting.
    pub fn written(&self) -> u64 {
        self.progress.borrow().written
    }

    /// The size of the file, once it is complete and was checked.
    pub fn length(&self) -> Option<u64> {
        let progress = self.progress.borrow();
        matches!(progress.end, Some(Ok(()))).then_some(progress.written)
    }

    /// Reads up to `length` bytes at an offset, and waits while there are none yet.
    ///
    /// Empty means the end of a file that is complete and as expected. A file that broke off, or
    /// was not what it should be, ends in an error, after all its bytes.
    pub async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes> {
        let mut progress = self.progress.clone();
        let (file, written) = {
            let seen = progress
                .wait_for(|progress| progress.written > offset || progress.end.is_some())
                .await
                .map_err(|_| Error::Abandoned)?;
            if seen.written <= offset {
                return match &seen.end {
                    Some(Err(error)) => Err(error.clone()),
                    _ => Ok(Bytes::new()),
                };
            }
            (seen.file.clone(), seen.written)
        };
        let file = file.ok_or(Error::Abandoned)?;
        let length = usize::try_from(written - offset).map_or(length, |there| there.min(length));
        reader::read_at(&file, offset, length).await
    }

    /// Waits until the file is complete and was checked, and returns its size.
    pub async fn ended(&self) -> Result<u64> {
        let mut progress = self.progress.clone();
        let seen = progress
            .wait_for(|progress| progress.end.is_some())
            .await
            .map_err(|_| Error::Abandoned)?;
        match &seen.end {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(seen.written),
        }
    }
}
