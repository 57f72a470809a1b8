//! Gathers unit drafts, stages them in batches and puts them into the next version.

use crate::{Changes, Result, Staging, UnitDraft, UnitRef};

/// As many drafts as `staging.put` takes at once.
pub const MAX_BATCH: usize = 1_000;

/// A batch goes once it has so many bytes: those of a few drafts with very long lists may be
/// more than those of a thousand others.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// Where a [`Batcher`] sends its batches.
pub trait Sink {
    /// Stages drafts; the references come back in the same order.
    fn put(&mut self, drafts: &[UnitDraft]) -> Result<Vec<UnitRef>>;
    /// Puts staged units into the next version.
    fn add(&mut self, units: &[UnitRef]) -> Result<()>;
}

impl Sink for (&Staging, &Changes) {
    fn put(&mut self, drafts: &[UnitDraft]) -> Result<Vec<UnitRef>> {
        Ok(self.0.put(drafts)?)
    }

    fn add(&mut self, units: &[UnitRef]) -> Result<()> {
        Ok(self.1.add(units)?)
    }
}

/// Takes drafts one by one and lets them go in batches of [`MAX_BATCH`].
#[must_use = "`finish` sends the last batch"]
#[derive(Debug)]
pub struct Batcher<S> {
    sink: S,
    drafts: Vec<UnitDraft>,
    bytes: usize,
    sent: u64,
}

impl<'a> Batcher<(&'a Staging, &'a Changes)> {
    /// Stages into `staging` and adds to `next`.
    pub fn new(staging: &'a Staging, next: &'a Changes) -> Self {
        Self::into_sink((staging, next))
    }
}

impl<S: Sink> Batcher<S> {
    /// Sends to any sink.
    pub fn into_sink(sink: S) -> Self {
        Self {
            sink,
            drafts: Vec::with_capacity(MAX_BATCH),
            bytes: 0,
            sent: 0,
        }
    }

    /// Takes one draft; sends a batch when it is the last that fits.
    pub fn push(&mut self, draft: UnitDraft) -> Result<()> {
        self.bytes += size(&draft);
        self.drafts.push(draft);
        if self.drafts.len() == MAX_BATCH || self.bytes >= MAX_BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what is left and says how many drafts there were in all.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        Ok(self.sent)
    }

    fn flush(&mut self) -> Result<()> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        let units = self.sink.put(&self.drafts)?;
        self.sink.add(&units)?;
        self.sent += self.drafts.len() as u64;
        self.drafts.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn size(draft: &UnitDraft) -> usize {
    let fragments = draft.fragments.iter();
    draft.fields.len() + fragments.map(|one| one.bytes.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    /// Remembers the size of each batch, and refuses from the unit numbered `refused` on.
    #[derive(Default)]
    struct Record {
        staged: Vec<usize>,
        added: Vec<UnitRef>,
        refused: Option<usize>,
    }

    impl Sink for &mut Record {
        fn put(&mut self, drafts: &[UnitDraft]) -> Result<Vec<UnitRef>> {
            let first: usize = self.staged.iter().sum();
            self.staged.push(drafts.len());
            if self
                .refused
                .is_some_and(|refused| refused < first + drafts.len())
            {
                return Err(Error::conflict("the same key with other bytes"));
            }
            Ok((first as u64..).take(drafts.len()).collect())
        }

        fn add(&mut self, units: &[UnitRef]) -> Result<()> {
            self.added.extend_from_slice(units);
            Ok(())
        }
    }

    fn draft() -> UnitDraft {
        UnitDraft {
            content_type: "thing".into(),
            fields: "{}".into(),
            artifacts: Vec::new(),
            fragments: Vec::new(),
            terms: Vec::new(),
        }
    }

    fn send(count: usize, record: &mut Record) -> Result<u64> {
        let mut batcher = Batcher::into_sink(record);
        for _ in 0..count {
            batcher.push(draft())?;
        }
        batcher.finish()
    }

    #[test]
    fn drafts_go_in_full_batches_and_one_rest() {
        for (count, batches) in [
            (0, vec![]),
            (1, vec![1]),
            (1_000, vec![1_000]),
            (2_001, vec![1_000, 1_000, 1]),
        ] {
            let mut record = Record::default();
            assert_eq!(send(count, &mut record), Ok(count as u64));
            assert_eq!(record.staged, batches);
            assert_eq!(record.added, (0..count as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn long_drafts_go_in_smaller_batches() {
        let mut record = Record::default();
        let mut batcher = Batcher::into_sink(&mut record);
        for _ in 0..5 {
            let mut draft = draft();
            draft.fields = " ".repeat(MAX_BATCH_BYTES / 2);
            batcher.push(draft).expect("taken");
        }
        assert_eq!(batcher.finish(), Ok(5));
        assert_eq!(record.staged, [2, 2, 1]);
    }

    #[test]
    fn a_refused_batch_is_not_added() {
        let mut record = Record {
            refused: Some(1_500),
            ..Record::default()
        };
        let error = send(3_000, &mut record).expect_err("the second batch is refused");
        assert_eq!(error, Error::conflict("the same key with other bytes"));
        assert_eq!(record.staged, [1_000, 1_000]);
        assert_eq!(record.added.len(), 1_000);
    }
}
