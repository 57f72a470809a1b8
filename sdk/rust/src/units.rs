//! Walks the units of a repository version.

use std::vec;

use crate::{Cursor, Query, Result, Unit, View};

/// Enough that a call costs little beside what it brings.
const BATCH: u32 = 1_000;

/// Units one by one, fetched from the host in batches. Ends after an error.
#[derive(Debug)]
pub struct Units {
    cursor: Option<Cursor>,
    batch: vec::IntoIter<Unit>,
}

impl View {
    /// The units of one content type; `order_by` as in [`Query`].
    pub fn units(&self, content_type: &str, order_by: &[&str]) -> Result<Units> {
        let cursor = self.find(&Query {
            content_type: content_type.to_owned(),
            order_by: order_by.iter().map(|&field| field.to_owned()).collect(),
        })?;
        Ok(Units {
            cursor: Some(cursor),
            batch: Vec::new().into_iter(),
        })
    }
}

impl Iterator for Units {
    type Item = Result<Unit>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(unit) = self.batch.next() {
            return Some(Ok(unit));
        }
        match self.cursor.as_ref()?.next(BATCH) {
            Ok(batch) => {
                self.batch = batch.into_iter();
                let unit = self.batch.next();
                if unit.is_none() {
                    self.cursor = None;
                }
                unit.map(Ok)
            }
            Err(error) => {
                self.cursor = None;
                Some(Err(error.into()))
            }
        }
    }
}
