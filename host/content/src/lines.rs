//! The lines of a copy as a plugin sees them that resolves what their units need.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use pith_db::candidate::{self, Stay};
use pith_db::content_type::TypeTable;
use pith_db::copy::{Place, units_of_type};
use pith_db::term;
use pith_model::descriptor::FieldKind;
use pith_model::{RepositoryId, UnitId};
use roaring::RoaringTreemap;

use crate::Services;
use crate::changes::{number, unit};
use crate::error::{Error, Result};
use crate::references::References;
use crate::term::hashes;
use crate::unpack::{Fragments, OfUnit};

/// So many words are looked for at once.
const MOST_WORDS: usize = 10_000;

/// So many units are handed out at once at most.
const MOST_UNITS: usize = 1_000;

/// So many bytes of fragments are handed out at once, if one unit does not have more.
const MOST_BYTES: usize = 8 << 20;

/// A line: from where to where, and what it brings without being asked further.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where units are taken from.
    pub source: Place,
    /// What is there need not be brought.
    pub destination: Place,
    /// What is chosen, and what that refers to.
    pub chosen: RoaringTreemap,
}

/// The lines of one copy; cheap to clone.
#[derive(Clone, Debug)]
pub struct Lines {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    services: Services,
    references: Arc<References>,
    plugin: Arc<str>,
    lines: Vec<Line>,
    /// Each version once, with the lines that take from it and those that bring there.
    places: Vec<Visited>,
    repositories: Vec<RepositoryId>,
    /// One reference a unit.
    minted: Mutex<HashMap<UnitId, u64>>,
}

#[derive(Debug)]
struct Visited {
    place: Place,
    sources: Vec<u32>,
    destinations: Vec<u32>,
}

/// A unit that a copy brings, could bring, or need not bring.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// A reference.
    pub handle: u64,
    /// The fields that were asked for, as JSON text.
    pub fields: String,
    /// Lines that bring it already.
    pub chosen: Vec<u32>,
    /// Lines whose source has it.
    pub sources: Vec<u32>,
    /// Lines whose destination has it.
    pub destinations: Vec<u32>,
}

impl Lines {
    /// The lines of a copy of a plugin's content.
    pub fn new(
        services: Services,
        references: Arc<References>,
        plugin: &str,
        lines: Vec<Line>,
    ) -> Self {
        let mut places: BTreeMap<(i64, i64), (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        for (at, line) in (0..).zip(&lines) {
            let key = |place: Place| (place.repository.0, place.number);
            places.entry(key(line.source)).or_default().0.push(at);
            places.entry(key(line.destination)).or_default().1.push(at);
        }
        let places: Vec<Visited> = places
            .into_iter()
            .map(|((repository, number), (sources, destinations))| Visited {
                place: Place {
                    repository: RepositoryId(repository),
                    number,
                },
                sources,
                destinations,
            })
            .collect();
        let mut repositories: Vec<_> = places.iter().map(|one| one.place.repository).collect();
        repositories.dedup();
        Self {
            inner: Arc::new(Inner {
                services,
                references,
                plugin: plugin.into(),
                lines,
                places,
                repositories,
                minted: Mutex::default(),
            }),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.inner.lines.len()
    }

    /// The units of a type that lines bring without being asked further.
    pub fn chosen(&self, content_type: &str, fields: &[String]) -> Result<Candidates> {
        let mut chosen = RoaringTreemap::new();
        for line in &self.inner.lines {
            chosen |= &line.chosen;
        }
        self.candidates(content_type, fields, chosen.iter().map(unit).collect())
    }

    /// All units of a type.
    pub async fn all(&self, content_type: &str, fields: &[String]) -> Result<Candidates> {
        let table = self.table(content_type)?;
        let mut found = RoaringTreemap::new();
        let mut connection = self.inner.services.database.read().await?;
        for visited in &self.inner.places {
            units_of_type(&mut connection, &table, visited.place, None, |unit| {
                found.insert(number(unit));
            })
            .await?;
        }
        self.candidates(content_type, fields, found.iter().map(unit).collect())
    }

    /// Units with one of these terms.
    pub async fn with_terms(
        &self,
        content_type: &str,
        terms: &[String],
        fields: &[String],
    ) -> Result<Candidates> {
        check_words(terms)?;
        let hashes = hashes(&self.inner.plugin, terms);
        let mut connection = self.inner.services.database.read().await?;
        let found = term::units(&mut connection, &hashes).await?;
        self.candidates(content_type, fields, found)
    }

    /// Units with one of these values in a field.
    pub async fn with_values(
        &self,
        content_type: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Candidates> {
        check_words(values)?;
        let table = self.table(content_type)?;
        let kind = kind_of(&table, field)?;
        if kind != FieldKind::Text || !table.content_type.indexed.iter().any(|one| one == field) {
            return Err(Error::invalid(format!(
                "units of {} cannot be looked for by {field:?}: it is no indexed text",
                table.full_name
            )));
        }
        let mut connection = self.inner.services.database.read().await?;
        let found = candidate::with_values(&mut connection, &table, field, values).await?;
        self.candidates(content_type, fields, found)
    }

    /// The fragments of a name of candidates, in order; of the first of them, as many as have
    /// 8 MiB together, and of one at least.
    pub async fn fragments(&self, handles: &[u64], name: &str) -> Result<Vec<Vec<u8>>> {
        if handles.len() > MOST_UNITS {
            return Err(Error::limit(format!(
                "fragments of {} units were asked for at once; at most {MOST_UNITS} are",
                handles.len()
            )));
        }
        let references = &self.inner.references;
        references.check(handles)?;
        let units = handles.iter().filter_map(|handle| references.unit(*handle));
        let mut fragments = Fragments::of(self.inner.services.database.clone(), units);
        let read = fragments.next(Some(name), MOST_BYTES).await?;
        let bytes = |(_, fragments): OfUnit| fragments.into_iter().next();
        let bytes = read.into_iter().map(bytes);
        Ok(bytes
            .map(|fragment| fragment.map(|one| one.bytes).unwrap_or_default())
            .collect())
    }

    fn table(&self, content_type: &str) -> Result<Arc<TypeTable>> {
        let name = format!("{}.{content_type}", self.inner.plugin);
        self.inner
            .services
            .types
            .by_name(&name)
            .ok_or_else(|| Error::invalid(format!("there is no content type {name:?}")))
    }

    fn candidates(
        &self,
        content_type: &str,
        fields: &[String],
        mut units: Vec<UnitId>,
    ) -> Result<Candidates> {
        // The same lines give the same answer.
        units.sort_unstable();
        units.dedup();
        let table = self.table(content_type)?;
        let fields = fields
            .iter()
            .map(|name| Ok((name.clone(), kind_of(&table, name)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Candidates {
            lines: Arc::clone(&self.inner),
            table,
            fields,
            units,
            next: 0,
        })
    }
}

fn check_words(words: &[String]) -> Result<()> {
    if words.len() > MOST_WORDS {
        return Err(Error::limit(format!(
            "{} words were looked for at once; at most {MOST_WORDS} are",
            words.len()
        )));
    }
    Ok(())
}

fn kind_of(table: &TypeTable, name: &str) -> Result<FieldKind> {
    let mut fields = table.content_type.fields.iter();
    let field = fields.find(|field| field.name == name);
    field.map(|field| field.kind).ok_or_else(|| {
        Error::invalid(format!(
            "{} has no field {name:?}, which was asked for",
            table.full_name
        ))
    })
}

/// Candidates that were found, and are read a page at a time.
#[derive(Debug)]
pub struct Candidates {
    lines: Arc<Inner>,
    table: Arc<TypeTable>,
    fields: Vec<(String, FieldKind)>,
    units: Vec<UnitId>,
    next: usize,
}

impl Candidates {
    /// At most `max`; empty at the end.
    pub async fn next(&mut self, max: usize) -> Result<Vec<Candidate>> {
        let mut page = Vec::new();
        // What is found by a term may be elsewhere or of another type.
        while page.is_empty() && self.next < self.units.len() {
            let end = self.units.len().min(self.next + max.clamp(1, MOST_UNITS));
            page = self.read(&self.units[self.next..end]).await?;
            self.next = end;
        }
        Ok(page)
    }

    async fn read(&self, units: &[UnitId]) -> Result<Vec<Candidate>> {
        let lines = &*self.lines;
        let mut connection = lines.services.database.read().await?;
        let stays = candidate::stays(&mut connection, units, &lines.repositories).await?;
        let mut stays_of: HashMap<UnitId, Vec<Stay>> = HashMap::new();
        for stay in stays {
            stays_of.entry(stay.unit).or_default().push(stay);
        }
        let mut here: HashMap<UnitId, Candidate> = HashMap::new();
        for unit in units {
            let stays = stays_of.get(unit).map_or(&[][..], Vec::as_slice);
            if let Some(candidate) = lines.candidate(*unit, stays) {
                here.insert(*unit, candidate);
            }
        }
        let present: Vec<UnitId> = units
            .iter()
            .copied()
            .filter(|unit| here.contains_key(unit))
            .collect();
        let fields = candidate::fields(&mut connection, &self.table, &present, &self.fields);
        let mut fields: HashMap<UnitId, String> = fields.await?.into_iter().collect();
        let candidates = present.into_iter().filter_map(|unit| {
            let mut candidate = here.remove(&unit)?;
            candidate.fields = fields.remove(&unit)?;
            candidate.handle = lines.handle(unit);
            Some(candidate)
        });
        Ok(candidates.collect())
    }
}

impl Inner {
    /// Where a unit is; nothing if it is nowhere.
    fn candidate(&self, unit: UnitId, stays: &[Stay]) -> Option<Candidate> {
        let mut candidate = Candidate {
            handle: 0,
            fields: String::new(),
            chosen: Vec::new(),
            sources: Vec::new(),
            destinations: Vec::new(),
        };
        for visited in &self.places {
            let Place { repository, number } = visited.place;
            let is_there = stays.iter().any(|stay| {
                stay.repository == repository && stay.added <= number && stay.removed > number
            });
            if is_there {
                candidate.sources.extend(&visited.sources);
                candidate.destinations.extend(&visited.destinations);
            }
        }
        if candidate.sources.is_empty() && candidate.destinations.is_empty() {
            return None;
        }
        let chosen = (0..).zip(&self.lines);
        let chosen = chosen.filter(|(_, line)| line.chosen.contains(number(unit)));
        candidate.chosen = chosen.map(|(at, _)| at).collect();
        candidate.sources.sort_unstable();
        candidate.destinations.sort_unstable();
        Some(candidate)
    }

    fn handle(&self, unit: UnitId) -> u64 {
        let mut minted = self.minted.lock().expect("nobody panics while holding it");
        *minted
            .entry(unit)
            .or_insert_with(|| self.references.mint([unit]))
    }
}
