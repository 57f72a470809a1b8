//! Work that waits for the disk or keeps a core busy, off the async threads.

use std::io::{Error as IoError, ErrorKind};
use std::panic;

use tokio::task::{self, JoinError, JoinHandle};

use crate::error::{Error, Result};

/// Runs work on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    task::spawn_blocking(work).await.map_err(stopped)?
}

/// A value that does its work on a thread that may block, one piece at a time and in order.
///
/// No thread is kept between the pieces: a thousand slow downloads need none.
#[derive(Debug)]
pub(crate) enum Lane<T> {
    /// Nothing is under way.
    Idle(T),
    /// A piece of work has the value.
    Busy(JoinHandle<(T, Result<()>)>),
    /// A piece of work failed, and the value is gone.
    Failed(Error),
}

impl<T: Send + 'static> Lane<T> {
    /// Waits for the work under way. It can be given up and asked again.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        if let Self::Busy(work) = self {
            *self = match work.await {
                Ok((value, Ok(()))) => Self::Idle(value),
                Ok((_, Err(error))) => Self::Failed(error),
                Err(error) => Self::Failed(stopped(error)),
            };
        }
        match self {
            Self::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Waits for the work under way, and starts the next piece.
    pub(crate) async fn start(
        &mut self,
        work: impl FnOnce(&mut T) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        self.settle().await?;
        // Never seen: `settle` left the value idle, and a busy one follows at once.
        let taken = std::mem::replace(self, Self::Failed(Error::Abandoned));
        if let Self::Idle(mut value) = taken {
            *self = Self::Busy(task::spawn_blocking(move || {
                let result = work(&mut value);
                (value, result)
            }));
        }
        Ok(())
    }

    /// Waits for the work under way, and gives the value back.
    pub(crate) async fn end(mut self) -> Result<T> {
        self.settle().await?;
        match self {
            Self::Idle(value) => Ok(value),
            Self::Busy(_) => Err(Error::Abandoned),
            Self::Failed(error) => Err(error),
        }
    }
}

fn stopped(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(reason) => panic::resume_unwind(reason),
        Err(_) => Error::io(
            "finish work on a file",
            IoError::new(ErrorKind::Interrupted, "the server is stopping"),
        ),
    }
}
