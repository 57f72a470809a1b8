//! One repository version, as a plugin reads it.

use std::sync::Arc;
use std::time::Duration;

use pith_db::content_type::{TypeTable, column};
use pith_db::membership::PRESENT;
use pith_db::unit::{UnitArtifact, field_json};
use pith_db::{Row, sql, unit};
use pith_model::descriptor::FieldKind;
use pith_model::{RepositoryId, Timestamp, UnitId};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::Services;
use crate::error::{Error, Result};
use crate::inputs::{Input, Inputs, Reader};
use crate::references::{HeldArtifact, References};

/// A version, or one that is being made; cheap to clone.
#[derive(Clone, Debug)]
pub struct View {
    services: Services,
    references: Arc<References>,
    plugin: Arc<str>,
    repository: RepositoryId,
    number: i64,
    /// The rows of units that a parameter names; none where it names all.
    chosen: Option<Arc<[i64]>>,
}

/// Which units, in which order.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The short name: `file`.
    pub content_type: String,
    /// Fields; a leading `-` turns the order round.
    pub order_by: Vec<String>,
}

/// A unit as a plugin sees it.
#[derive(Clone, Debug)]
pub struct Unit {
    /// A reference.
    pub handle: u64,
    /// The short name.
    pub content_type: String,
    /// The fields as JSON text.
    pub fields: String,
    /// Its artifacts.
    pub artifacts: Vec<Artifact>,
}

/// An artifact of a unit as a plugin sees it.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// A reference.
    pub handle: u64,
    /// Where the unit puts it.
    pub path: String,
    /// `sha256:…` and so on.
    pub digests: Vec<String>,
    /// In bytes, where known.
    pub size: Option<u64>,
    /// Whether the bytes are here.
    pub stored: bool,
}

/// Rows that wait between the database and the plugin.
const CHANNEL: usize = 2000;

/// So many units are handed out at once at most.
const MAX_UNITS: usize = 1000;

impl View {
    /// A version of a repository.
    pub fn new(
        services: Services,
        references: Arc<References>,
        plugin: &str,
        repository: RepositoryId,
        number: i64,
    ) -> Self {
        Self {
            services,
            references,
            plugin: plugin.into(),
            repository,
            number,
            chosen: None,
        }
    }

    /// With the units that a parameter names.
    #[must_use]
    pub fn choosing(self, chosen: Option<Vec<i64>>) -> Self {
        Self {
            chosen: chosen.map(Into::into),
            ..self
        }
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        u64::try_from(self.number).unwrap_or(0)
    }

    fn table(&self, content_type: &str) -> Result<Arc<TypeTable>> {
        let name = format!("{}.{content_type}", self.plugin);
        self.services
            .types
            .by_name(&name)
            .ok_or_else(|| Error::invalid(format!("there is no content type {name:?}")))
    }

    /// How many units of a type it has.
    pub async fn count(&self, content_type: &str) -> Result<u64> {
        let table = self.table(content_type)?;
        let mut connection = self.services.database.read().await?;
        let count: i64 = sql(format!(
            "SELECT COUNT(*) FROM membership m JOIN {} c ON c.unit_id = m.unit_id WHERE {PRESENT}",
            table.table
        ))
        .bind(self.repository)
        .bind(self.number)
        .bind(self.number)
        .scalar(&mut connection)
        .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The numbers of the units that are found, eight bytes each.
    pub(crate) async fn ids(&self, query: &Query) -> Result<Vec<UnitId>> {
        let table = self.table(&query.content_type)?;
        let text = format!(
            "SELECT c.unit_id FROM membership m JOIN {} c ON c.unit_id = m.unit_id
             WHERE {PRESENT} ORDER BY {}",
            table.table,
            order(&table, query)?
        );
        let mut connection = self.services.database.read().await?;
        let mut ids = Vec::new();
        sql(text)
            .bind(self.repository)
            .bind(self.number)
            .bind(self.number)
            .for_each(&mut connection, |row| {
                ids.push(row.get(0)?);
                Ok(())
            })
            .await?;
        Ok(ids)
    }

    /// Finds units of a type.
    pub fn find(&self, query: &Query) -> Result<Cursor> {
        self.find_where(query, Narrowed::default())
    }

    /// Those of them that a parameter names.
    pub fn find_chosen(&self, query: &Query) -> Result<Cursor> {
        self.find_where(
            query,
            Narrowed {
                chosen: self.chosen.clone(),
                ..Narrowed::default()
            },
        )
    }

    /// Those of them whose text fields have these values, with these fields alone, or all.
    pub fn find_equal(
        &self,
        query: &Query,
        equal: &[(String, String)],
        fields: &[String],
    ) -> Result<Cursor> {
        self.find_where(
            query,
            Narrowed {
                equal: equal.to_vec(),
                fields: fields.to_vec(),
                ..Narrowed::default()
            },
        )
    }

    /// Opens stored bytes of a unit that it found.
    pub async fn open(&self, artifact: u64) -> Result<Reader> {
        let held = self.references.artifact(artifact)?;
        let row = {
            let mut connection = self.services.database.read().await?;
            pith_db::artifact::by_id(&mut connection, held.id).await?
        };
        let row = row.ok_or_else(|| Error::not_found("these bytes are not stored here"))?;
        let input = Input {
            name: String::new(),
            artifact: row,
        };
        let references = Arc::clone(&self.references);
        Inputs::new(self.services.clone(), references, vec![input])
            .open(0)
            .await
    }

    /// Those of them that came into the repository more than so many seconds ago.
    pub fn find_older(&self, query: &Query, seconds: u64) -> Result<Cursor> {
        let before = Timestamp::now().minus(Duration::from_secs(seconds));
        self.find_where(
            query,
            Narrowed {
                before: Some(before),
                ..Narrowed::default()
            },
        )
    }

    fn find_where(&self, query: &Query, narrowed: Narrowed) -> Result<Cursor> {
        let table = self.table(&query.content_type)?;
        let order = order(&table, query)?;
        let shown = shown(&table, &narrowed.fields)?;
        let content_type = &table.content_type;
        let columns = shown.iter().map(|at| &content_type.fields[*at].name);
        let columns: Vec<String> = columns
            .map(|name| format!(", c.{}", column(name)))
            .collect();
        let columns = columns.concat();
        let older = match narrowed.before {
            // A version is made in one moment with all that it adds; one that is gone was older.
            Some(_) => {
                "AND NOT EXISTS (SELECT 1 FROM repository_version v
                 WHERE v.repository_id = m.repository_id AND v.number = m.added
                 AND v.pulp_created >= ?)"
            }
            None => "",
        };
        let among = if narrowed.chosen.is_some() {
            "AND m.unit_id IN (?*)"
        } else {
            ""
        };
        let equal = equal(&table, &narrowed.equal)?;
        let text = format!(
            "SELECT c.unit_id{columns} FROM membership m JOIN {} c ON c.unit_id = m.unit_id
             WHERE {PRESENT} {older} {among}{equal} ORDER BY {order}",
            table.table
        );
        let (sender, rows) = mpsc::channel(CHANNEL);
        let (services, repository, number) = (self.services.clone(), self.repository, self.number);
        // One query for the whole set, read as the plugin asks for more.
        let reading = tokio::spawn(async move {
            let mut connection = services.database.read().await?;
            let mut statement = sql(text).bind(repository).bind(number).bind(number);
            if let Some(before) = narrowed.before {
                statement = statement.bind(before);
            }
            if let Some(chosen) = narrowed.chosen {
                statement = statement.bind(chosen.to_vec());
            }
            for (_, value) in narrowed.equal {
                statement = statement.bind(value);
            }
            statement
                .for_each_async(&mut connection, |row| sender.send(row))
                .await
        });
        Ok(Cursor {
            services: self.services.clone(),
            references: Arc::clone(&self.references),
            table,
            shown,
            rows,
            reading: Some(reading),
        })
    }
}

/// Which units of a type, and what of them.
#[derive(Default)]
struct Narrowed {
    /// Those that came into the repository before.
    before: Option<Timestamp>,
    /// These alone.
    chosen: Option<Arc<[i64]>>,
    /// Text fields with these values.
    equal: Vec<(String, String)>,
    /// Fields to read; all where none is named.
    fields: Vec<String>,
}

/// The places of the fields that are read.
fn shown(table: &TypeTable, wanted: &[String]) -> Result<Vec<usize>> {
    let fields = &table.content_type.fields;
    if wanted.is_empty() {
        return Ok((0..fields.len()).collect());
    }
    let place = |name: &String| {
        let at = fields.iter().position(|field| field.name == *name);
        at.ok_or_else(|| no_field(table, name))
    };
    wanted.iter().map(place).collect()
}

/// The conditions that fields have values, one `?` each.
fn equal(table: &TypeTable, wanted: &[(String, String)]) -> Result<String> {
    let mut text = String::new();
    for (name, _) in wanted {
        let mut fields = table.content_type.fields.iter();
        let field = fields.find(|field| field.name == *name);
        match field.ok_or_else(|| no_field(table, name))?.kind {
            FieldKind::Text => text.extend([" AND c.", &column(name), " = ?"]),
            _ => {
                return Err(Error::invalid(format!(
                    "the field {name:?} of {} is no text",
                    table.full_name
                )));
            }
        }
    }
    Ok(text)
}

fn no_field(table: &TypeTable, name: &str) -> Error {
    Error::invalid(format!("{} has no field {name:?}", table.full_name))
}

/// What stands after `ORDER BY`.
fn order(table: &TypeTable, query: &Query) -> Result<String> {
    let mut order = Vec::new();
    for name in &query.order_by {
        let (field, direction) = match name.strip_prefix('-') {
            Some(field) => (field, "DESC"),
            None => (name.as_str(), "ASC"),
        };
        if !table
            .content_type
            .fields
            .iter()
            .any(|one| one.name == field)
        {
            return Err(Error::invalid(format!(
                "units of {} cannot be ordered by {field:?}: there is no such field",
                table.full_name
            )));
        }
        order.push(format!("c.{} {direction}", column(field)));
    }
    order.push("c.unit_id".to_owned());
    Ok(order.join(", "))
}

/// Units that are being found.
#[derive(Debug)]
pub struct Cursor {
    services: Services,
    references: Arc<References>,
    table: Arc<TypeTable>,
    /// Places of the fields that are read.
    shown: Vec<usize>,
    rows: mpsc::Receiver<Row>,
    reading: Option<tokio::task::JoinHandle<pith_db::Result<()>>>,
}

impl Cursor {
    /// At most `max` units; empty at the end.
    pub async fn next(&mut self, max: usize) -> Result<Vec<Unit>> {
        let mut rows = Vec::new();
        self.rows
            .recv_many(&mut rows, max.clamp(1, MAX_UNITS))
            .await;
        if rows.is_empty() {
            if let Some(reading) = self.reading.take() {
                reading
                    .await
                    .map_err(|_| Error::internal("reading a version broke"))??;
            }
            return Ok(Vec::new());
        }
        let ids: Vec<UnitId> = rows
            .iter()
            .map(|row| row.get(0))
            .collect::<pith_db::Result<_>>()?;
        let mut connection = self.services.database.read().await?;
        let mut artifacts = unit::artifacts(&mut connection, &ids).await?;
        drop(connection);
        artifacts.sort_by_key(|artifact| artifact.unit);
        let first = self.references.mint(ids.iter().copied());
        (first..)
            .zip(ids)
            .zip(&rows)
            .map(|((handle, id), row)| {
                let start = artifacts.partition_point(|artifact| artifact.unit < id);
                let end = artifacts.partition_point(|artifact| artifact.unit <= id);
                self.unit(handle, row, &artifacts[start..end])
            })
            .collect()
    }

    fn unit(&self, handle: u64, row: &Row, artifacts: &[UnitArtifact]) -> Result<Unit> {
        let mut fields = Map::new();
        for (index, at) in self.shown.iter().enumerate() {
            let field = &self.table.content_type.fields[*at];
            fields.insert(field.name.clone(), field_json(row, index + 1, field.kind)?);
        }
        Ok(Unit {
            handle,
            content_type: self.table.content_type.name.clone(),
            fields: Value::Object(fields).to_string(),
            artifacts: artifacts
                .iter()
                .map(|artifact| self.artifact(artifact))
                .collect(),
        })
    }

    fn artifact(&self, artifact: &UnitArtifact) -> Artifact {
        let stored = artifact.stored.as_ref().and_then(|(id, sha256, size)| {
            Some(HeldArtifact {
                id: *id,
                sha256: sha256.as_slice().try_into().ok()?,
                size: u64::try_from(*size).ok()?,
            })
        });
        let (digests, size) = match (&stored, &artifact.announced) {
            (Some(held), _) => (
                vec![format!("sha256:{}", hex::encode(held.sha256))],
                Some(held.size),
            ),
            (None, Some((size, digests))) => (
                digests.split_whitespace().map(str::to_owned).collect(),
                size.and_then(|size| u64::try_from(size).ok()),
            ),
            (None, None) => (Vec::new(), None),
        };
        Artifact {
            stored: stored.is_some(),
            handle: self.references.mint_artifact(stored),
            path: artifact.path.clone(),
            digests,
            size,
        }
    }
}
