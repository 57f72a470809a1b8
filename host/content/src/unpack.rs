//! Fragments of some units, for a plugin that reads them again.

use std::collections::{HashMap, VecDeque};

use pith_db::Database;
use pith_model::UnitId;

use crate::error::{Error, Result};
use crate::fragment::{Dictionaries, Fragment, Row, Unpacker};

/// Rows of one query: each may be large.
const ROWS: usize = 100;

/// The fragments of units, read as they are asked for.
pub struct Fragments {
    database: Database,
    units: VecDeque<UnitId>,
    dictionaries: Dictionaries,
    unpacking: Unpacking,
}

/// A unit with its fragments; a unit without any has none.
pub type OfUnit = (UnitId, Vec<Fragment>);

impl Fragments {
    /// Those of these units, in order.
    pub fn of(database: Database, units: impl IntoIterator<Item = UnitId>) -> Self {
        Self {
            database,
            units: units.into_iter().collect(),
            dictionaries: Dictionaries::default(),
            unpacking: Unpacking::default(),
        }
    }

    /// Those of the next units, of one name or all: as many units as have that many bytes
    /// together, but one at least; empty at the end.
    ///
    /// # Errors
    /// Where the database fails or its rows are damaged.
    pub async fn next(&mut self, only: Option<&str>, bytes: usize) -> Result<Vec<OfUnit>> {
        let mut next = Vec::new();
        let mut room = bytes;
        loop {
            if self.unpacking.rows.is_empty() {
                if self.units.is_empty() {
                    return Ok(next);
                }
                self.read().await?;
            }
            let mut unpacking = std::mem::take(&mut self.unpacking);
            let name = only.map(str::to_owned);
            let is_first = next.is_empty();
            let unpacked = tokio::task::spawn_blocking(move || {
                let (some, left) = unpacking.unpack(name.as_deref(), room, is_first)?;
                Ok::<_, Error>((unpacking, some, left))
            });
            let (unpacking, some, left) = unpacked.await.map_err(|_| {
                Error::internal("reading fragments broke; the server's log says why")
            })??;
            self.unpacking = unpacking;
            next.extend(some);
            match left {
                Some(left) => room = left,
                None => return Ok(next),
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let count = self.units.len().min(ROWS);
        let units: Vec<UnitId> = self.units.drain(..count).collect();
        let mut connection = self.database.read().await?;
        let found = pith_db::fragment::find(&mut connection, &units).await?;
        drop(connection);
        let mut found: HashMap<_, _> = found.into_iter().collect();
        for unit in units {
            let row = match found.remove(&unit) {
                Some(packed) => Some(self.dictionaries.complete(&self.database, packed).await?),
                None => None,
            };
            self.unpacking.rows.push_back((unit, row));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Unpacking {
    rows: VecDeque<(UnitId, Option<Row>)>,
    unpacker: Unpacker,
}

impl Unpacking {
    /// Unpacks rows while there is room, or one if nothing is there yet; and the room that is
    /// left, if rows ended before it did.
    fn unpack(
        &mut self,
        only: Option<&str>,
        mut room: usize,
        mut is_first: bool,
    ) -> Result<(Vec<OfUnit>, Option<usize>)> {
        let mut units = Vec::new();
        while let Some((unit, row)) = self.rows.pop_front() {
            let mut fragments = Vec::new();
            let mut size = 0;
            if let Some(row) = &row {
                self.unpacker.unpack(row, |name, bytes| {
                    if only.is_none_or(|only| only.as_bytes() == name) {
                        size += bytes.len();
                        fragments.push(Fragment {
                            name: String::from_utf8_lossy(name).into_owned(),
                            bytes: bytes.to_vec(),
                        });
                    }
                })?;
            }
            if size > room && !is_first {
                self.rows.push_front((unit, row));
                return Ok((units, None));
            }
            is_first = false;
            room = room.saturating_sub(size);
            units.push((unit, fragments));
        }
        Ok((units, Some(room)))
    }
}

impl std::fmt::Debug for Fragments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fragments")
            .field("units", &self.units.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::Packer;

    fn unpacking() -> Unpacking {
        let mut packer = Packer::new(&[]).expect("memory");
        let mut row = |sizes: &[(&str, usize)]| {
            let fragment = |(name, size): &(&str, usize)| Fragment {
                name: (*name).to_owned(),
                bytes: vec![b'x'; *size],
            };
            let fragments: Vec<Fragment> = sizes.iter().map(fragment).collect();
            Row {
                body: packer.pack(&fragments).expect("packed"),
                dictionary: None,
            }
        };
        let rows = [
            Some(row(&[("a", 10), ("b", 90)])),
            None,
            Some(row(&[("a", 50)])),
            Some(row(&[("b", 1)])),
        ];
        Unpacking {
            rows: (1..).map(UnitId).zip(rows).collect(),
            unpacker: Unpacker::default(),
        }
    }

    fn told(units: &[OfUnit]) -> Vec<(i64, usize)> {
        let size = |fragments: &[Fragment]| fragments.iter().map(|one| one.bytes.len()).sum();
        units
            .iter()
            .map(|(unit, all)| (unit.0, size(all)))
            .collect()
    }

    #[test]
    fn as_many_units_come_as_there_is_room_for() {
        let mut all = unpacking();
        let (units, left) = all.unpack(None, 120, true).expect("unpacked");
        assert_eq!((told(&units), left), (vec![(1, 100), (2, 0)], None));
        let (units, left) = all.unpack(None, 120, true).expect("unpacked");
        assert_eq!((told(&units), left), (vec![(3, 50), (4, 1)], Some(69)));
    }

    #[test]
    fn one_unit_comes_however_large_it_is() {
        let mut all = unpacking();
        let (units, left) = all.unpack(None, 5, true).expect("unpacked");
        assert_eq!((told(&units), left), (vec![(1, 100), (2, 0)], None));
        assert_eq!(told(&all.unpack(None, 5, false).expect("unpacked").0), []);
    }

    #[test]
    fn what_is_not_asked_for_takes_no_room() {
        let mut all = unpacking();
        let (units, left) = all.unpack(Some("a"), 60, true).expect("unpacked");
        assert_eq!(told(&units), [(1, 10), (2, 0), (3, 50), (4, 0)]);
        assert_eq!(left, Some(0));
    }
}
