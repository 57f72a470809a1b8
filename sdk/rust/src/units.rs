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
        let cursor = self.find(&query(content_type, order_by))?;
        Ok(Units::of(cursor))
    }

    /// Those of them that came into the repository more than so many seconds ago.
    pub fn older_units(&self, content_type: &str, seconds: u64) -> Result<Units> {
        let cursor = self.find_older(&query(content_type, &[]), seconds)?;
        Ok(Units::of(cursor))
    }
}

fn query(content_type: &str, order_by: &[&str]) -> Query {
    Query {
        content_type: content_type.to_owned(),
        order_by: order_by.iter().map(|&field| field.to_owned()).collect(),
    }
}

impl Units {
    fn of(cursor: Cursor) -> Self {
        Self {
            cursor: Some(cursor),
            batch: Vec::new().into_iter(),
        }
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
