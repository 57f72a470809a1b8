//! Which units a copy brings: those that are chosen, and what they refer to.

use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::copy::{self, Place};
use pith_db::list::Condition;
use pith_db::{Connection, membership};
use pith_model::UnitId;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use crate::Services;
use crate::changes::{number, unit};
use crate::error::{Error, Result};
use crate::version::set;

/// What one line of a copy is about.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where units are chosen from.
    pub source: Place,
    /// What is there already counts for what units refer to.
    pub destination: Place,
    /// These units, or all that fit.
    pub content: Option<Vec<i64>>,
    /// The types to choose from, each with what its units must fulfill.
    pub choices: Vec<Choice>,
    /// Whether these are all types, and nothing must be fulfilled.
    pub everything: bool,
}

/// A type whose units are chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The type.
    pub table: Arc<TypeTable>,
    /// What a unit must fulfill.
    pub condition: Option<Condition>,
}

/// So many units of each kind are told; the others are counted.
const TOLD: usize = 1_000;

/// A list that a task's row can keep: its beginning, and how long it is.
#[derive(Clone, Debug)]
pub struct Told<T> {
    /// The first of them.
    pub first: Vec<T>,
    /// How many there are.
    pub count: u64,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            count: 0,
        }
    }
}

impl<T> Told<T> {
    /// Puts one more behind.
    pub fn push(&mut self, make: impl FnOnce() -> T) {
        if self.first.len() < TOLD {
            self.first.push(make());
        }
        self.count += 1;
    }

    /// Puts another list's elements behind.
    pub fn extend(&mut self, other: Self) {
        let room = TOLD - self.first.len().min(TOLD);
        self.first.extend(other.first.into_iter().take(room));
        self.count += other.count;
    }
}

impl Told<UnitId> {
    /// A set's units.
    pub fn of_numbers(set: &RoaringTreemap) -> Self {
        Self {
            first: set.iter().take(TOLD).map(unit).collect(),
            count: set.len(),
        }
    }
}

/// Why a unit comes along.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The unit.
    pub unit: UnitId,
    /// The one that refers to it.
    pub wanted_by: UnitId,
    /// In words.
    pub reason: String,
}

/// What a unit refers to and is nowhere.
#[derive(Clone, Debug)]
pub struct Unresolved {
    /// The unit that refers.
    pub wanted_by: UnitId,
    /// In words.
    pub reason: String,
    /// The fields of what is missing.
    pub missing: Value,
}

/// What one line brings.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Everything, what comes along included.
    pub units: RoaringTreemap,
    /// What comes along and is not in the destination already.
    pub pulled: Told<Pulled>,
    /// What is missing.
    pub unresolved: Told<Unresolved>,
}

/// Chooses the units of a line and adds what they refer to.
pub async fn select(services: &Services, line: &Line) -> Result<Selection> {
    let mut connection = services.database.read().await?;
    let mut selection = Selection::default();
    selection.units = chosen(&mut connection, line, &mut selection.unresolved).await?;
    let plugin = line.choices.first().map(|choice| &choice.table.plugin);
    let tables = plugin.map_or_else(Vec::new, |plugin| services.types.of_plugin(plugin));
    let referring: Vec<_> = tables
        .iter()
        .filter(|table| !table.content_type.references.is_empty())
        .collect();
    if referring.is_empty() {
        return Ok(selection);
    }
    let there = set(
        &mut connection,
        line.destination.repository,
        line.destination.number,
    )
    .await?;
    let mut walk = Walk {
        connection: &mut connection,
        tables: &tables,
        line,
        there,
        selection: &mut selection,
    };
    // Units that are new to the walk, until none refers to another.
    let mut frontier = walk.selection.units.clone();
    while !frontier.is_empty() {
        let units: Vec<UnitId> = frontier.iter().map(unit).collect();
        let mut next = RoaringTreemap::new();
        for (content_type, units) in pith_db::unit::by_type(walk.connection, &units).await? {
            if let Some(table) = referring.iter().find(|table| table.id == content_type) {
                next |= walk.step(table, &units).await?;
            }
        }
        frontier = next;
    }
    Ok(selection)
}

/// The units that are chosen themselves. What is given but is not in the source is told.
async fn chosen(
    connection: &mut Connection,
    line: &Line,
    unresolved: &mut Told<Unresolved>,
) -> Result<RoaringTreemap> {
    let source = line.source;
    let given = match &line.content {
        Some(content) => {
            let units: Vec<UnitId> = content.iter().copied().map(UnitId).collect();
            let present =
                membership::present(connection, source.repository, source.number, &units).await?;
            let present: RoaringTreemap = present.into_iter().map(number).collect();
            let mut absent: Vec<UnitId> = units;
            absent.retain(|unit| !present.contains(number(*unit)));
            tell_absent(connection, &absent, unresolved).await?;
            Some(present)
        }
        None => None,
    };
    if line.everything {
        return match given {
            Some(given) => Ok(given),
            None => set(connection, source.repository, source.number).await,
        };
    }
    let mut fitting = RoaringTreemap::new();
    for choice in &line.choices {
        let condition = choice.condition.as_ref();
        copy::units_of_type(connection, &choice.table, source, condition, |unit| {
            fitting.insert(number(unit));
        })
        .await?;
    }
    Ok(match given {
        Some(given) => given & fitting,
        None => fitting,
    })
}

async fn tell_absent(
    connection: &mut Connection,
    absent: &[UnitId],
    unresolved: &mut Told<Unresolved>,
) -> Result<()> {
    let uuids = pith_db::unit::uuids(connection, absent).await?;
    if uuids.len() < absent.len() {
        return Err(Error::invalid("a unit that is to be copied was deleted"));
    }
    for (unit, (uuid, _)) in absent.iter().zip(uuids) {
        unresolved.push(|| Unresolved {
            wanted_by: *unit,
            reason: "it is to be copied but is not in the source version".to_owned(),
            missing: json!({"pulp_id": uuid.to_string()}),
        });
    }
    Ok(())
}

/// The way from units to what they refer to.
struct Walk<'a> {
    connection: &'a mut Connection,
    tables: &'a [Arc<TypeTable>],
    line: &'a Line,
    /// The units of the destination.
    there: RoaringTreemap,
    selection: &'a mut Selection,
}

impl Walk<'_> {
    /// Adds what these units of one type refer to; what was not there before.
    async fn step(&mut self, table: &TypeTable, units: &[UnitId]) -> Result<RoaringTreemap> {
        let source = self.line.source;
        let mut new = RoaringTreemap::new();
        for reference in &table.content_type.references {
            let Some(target) = self
                .tables
                .iter()
                .find(|table| table.content_type.name == reference.target)
            else {
                continue;
            };
            let reason = || {
                format!(
                    "{} refers to it by {}",
                    table.content_type.name,
                    reference.field()
                )
            };
            let pair = (table, &**target);
            let (selection, there) = (&mut *self.selection, &self.there);
            copy::referred(
                self.connection,
                pair,
                reference,
                source,
                units,
                |wanted_by, unit| {
                    if selection.units.insert(number(unit)) {
                        new.insert(number(unit));
                        if !there.contains(number(unit)) {
                            selection.pulled.push(|| Pulled {
                                unit,
                                wanted_by,
                                reason: reason(),
                            });
                        }
                    }
                },
            )
            .await?;
            let places = [source, self.line.destination];
            copy::missing(
                self.connection,
                pair,
                reference,
                places,
                units,
                |wanted_by, missing| {
                    selection.unresolved.push(|| Unresolved {
                        wanted_by,
                        reason: format!(
                            "{} refers by {} to a {} that is not there",
                            table.content_type.name,
                            reference.field(),
                            reference.target
                        ),
                        missing,
                    });
                },
            )
            .await?;
        }
        Ok(new)
    }
}
