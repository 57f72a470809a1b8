//! Units of content: found by their keys and inserted by the thousand.

use std::collections::HashMap;

use pith_model::descriptor::{FINGERPRINT, FieldKind};
use pith_model::{ArtifactId, RemoteId, Timestamp, UnitId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::fragment::Packed;
use crate::insert::insert_many;
use crate::sequence;
use crate::statement::{Statement, Value, sql};

/// The fingerprint of a key.
pub type Key = [u8; FINGERPRINT];

/// A unit to insert.
#[derive(Clone, Debug)]
pub struct NewUnit {
    /// Of its natural key.
    pub natural_key: Key,
    /// Of its repository key.
    pub repository_key: Key,
    /// One value for each field of its type, in the type's order.
    pub values: Vec<Value>,
    /// Its artifacts.
    pub artifacts: Vec<NewUnitArtifact>,
    /// Its fragments.
    pub fragments: Option<Packed>,
    /// Hashes of its terms, each once.
    pub terms: Vec<i64>,
}

/// An artifact of a unit to insert.
#[derive(Clone, Debug)]
pub struct NewUnitArtifact {
    /// Where the unit puts it.
    pub path: String,
    /// The stored bytes; none while they are upstream.
    pub artifact: Option<ArtifactId>,
    /// Where the bytes can be had.
    pub remote: Option<NewRemoteArtifact>,
}

/// Where the bytes of a unit can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRemoteArtifact {
    /// From which remote.
    pub remote: RemoteId,
    /// Absolute, in order of choice.
    pub urls: Vec<String>,
    /// In bytes, where the upstream says so.
    pub size: Option<i64>,
    /// `sha256:…` and so on.
    pub digests: Vec<String>,
}

/// Which of these natural keys are there already.
pub async fn find(
    connection: &mut Connection,
    table: &TypeTable,
    keys: &[Key],
) -> Result<HashMap<Key, UnitId>> {
    let mut found = HashMap::with_capacity(keys.len());
    for part in keys.chunks(1000) {
        let list: Vec<Vec<u8>> = part.iter().map(|key| key.to_vec()).collect();
        let text = format!(
            "SELECT natural_key, unit_id FROM {} WHERE natural_key IN (?*)",
            table.table
        );
        for row in sql(text).bind(list).fetch_all(connection).await? {
            found.insert(key(&row.get::<Vec<u8>>(0)?)?, row.get(1)?);
        }
    }
    Ok(found)
}

fn key(bytes: &[u8]) -> Result<Key> {
    bytes
        .try_into()
        .map_err(|_| Error::Unexpected("a key of another length".into()))
}

/// Inserts units whose keys are not there yet; their numbers, in order.
///
/// # Errors
/// [`Error::Unique`] if another transaction was faster: find again and retry.
pub async fn insert(
    connection: &mut Connection,
    table: &TypeTable,
    units: Vec<NewUnit>,
) -> Result<Vec<UnitId>> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let now = Timestamp::now();
    let ids = sequence::take(connection, "unit_number", units.len()).await?;
    let ids: Vec<UnitId> = ids.into_iter().map(UnitId).collect();
    insert_many(
        connection,
        "INSERT INTO unit (id, uuid, content_type_id, pulp_created, touched)",
        ids.iter().map(|id| {
            vec![
                (*id).into(),
                Uuid::now_v7().into(),
                table.id.into(),
                now.into(),
                now.into(),
            ]
        }),
        "",
    )
    .await?;
    let mut artifacts = Vec::with_capacity(units.len());
    let mut fragments = Vec::new();
    let mut terms = Vec::new();
    let rows = ids.iter().zip(units).map(|(id, unit)| {
        fragments.extend(unit.fragments.map(|packed| (*id, packed)));
        terms.extend(unit.terms.into_iter().map(|hash| (*id, hash)));
        artifacts.extend(unit.artifacts.into_iter().map(|artifact| (*id, artifact)));
        let mut row = Vec::with_capacity(3 + unit.values.len());
        row.extend([
            (*id).into(),
            unit.natural_key.into(),
            unit.repository_key.into(),
        ]);
        row.extend(unit.values);
        row
    });
    let columns: Vec<String> = table
        .columns()
        .iter()
        .map(|name| format!(", {name}"))
        .collect();
    let columns = columns.concat();
    let head = format!(
        "INSERT INTO {} (unit_id, natural_key, repository_key{columns})",
        table.table
    );
    insert_many(connection, &head, rows.collect::<Vec<_>>(), "").await?;
    insert_artifacts(connection, artifacts).await?;
    crate::fragment::insert(connection, fragments).await?;
    crate::term::insert(connection, terms).await?;
    Ok(ids)
}

async fn insert_artifacts(
    connection: &mut Connection,
    artifacts: Vec<(UnitId, NewUnitArtifact)>,
) -> Result<()> {
    if artifacts.is_empty() {
        return Ok(());
    }
    let ids = sequence::take(connection, "unit_artifact_number", artifacts.len()).await?;
    let rows = artifacts.iter().zip(&ids).map(|((unit, artifact), id)| {
        vec![
            (*id).into(),
            (*unit).into(),
            artifact.path.as_str().into(),
            artifact.artifact.into(),
        ]
    });
    insert_many(
        connection,
        "INSERT INTO unit_artifact (id, unit_id, relative_path, artifact_id)",
        rows,
        "",
    )
    .await?;
    let remotes = artifacts
        .into_iter()
        .zip(ids)
        .filter_map(|((_, artifact), id)| artifact.remote.map(|remote| (id, remote)));
    crate::remote_artifact::insert(connection, remotes).await
}

/// Marks units as wanted now, so that a clean-up that runs beside leaves them.
pub async fn touch(connection: &mut Connection, units: &[UnitId]) -> Result<()> {
    for part in units.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|id| id.0).collect();
        sql("UPDATE unit SET touched = ? WHERE id IN (?*)")
            .bind(Timestamp::now())
            .bind(ids)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// An artifact of a unit, with where its bytes are.
#[derive(Clone, Debug)]
pub struct UnitArtifact {
    /// Its row.
    pub id: i64,
    /// Whose it is.
    pub unit: UnitId,
    /// Where the unit puts it.
    pub path: String,
    /// The stored bytes and their SHA-256 and size.
    pub stored: Option<(ArtifactId, Vec<u8>, i64)>,
    /// Size and digests that some remote announced, where nothing is stored.
    pub announced: Option<(Option<i64>, String)>,
}

/// The artifacts of units, ordered by unit and path.
pub async fn artifacts(connection: &mut Connection, units: &[UnitId]) -> Result<Vec<UnitArtifact>> {
    let mut found = Vec::with_capacity(units.len());
    for part in units.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|id| id.0).collect();
        let rows = sql(
            "SELECT ua.id, ua.unit_id, ua.relative_path, a.id, a.sha256, a.size,
                    (SELECT COALESCE(CAST(ra.size AS TEXT), '') || ' ' || ra.digests
                     FROM remote_artifact ra WHERE ra.unit_artifact_id = ua.id
                     ORDER BY ra.remote_id LIMIT 1)
             FROM unit_artifact ua LEFT JOIN artifact a ON a.id = ua.artifact_id
             WHERE ua.unit_id IN (?*) ORDER BY ua.unit_id, ua.relative_path",
        )
        .bind(ids)
        .fetch_all(connection)
        .await?;
        for row in rows {
            let stored: Option<ArtifactId> = row.get(3)?;
            let announced: Option<String> = row.get(6)?;
            found.push(UnitArtifact {
                id: row.get(0)?,
                unit: row.get(1)?,
                path: row.get(2)?,
                stored: match stored {
                    Some(id) => Some((id, row.get(4)?, row.get(5)?)),
                    None => None,
                },
                announced: announced.map(|text| {
                    let (size, digests) = text.split_once(' ').unwrap_or(("", &text));
                    (size.parse().ok(), digests.to_owned())
                }),
            });
        }
    }
    Ok(found)
}

/// Tells unit artifacts where their bytes are stored now.
pub async fn set_artifact(
    connection: &mut Connection,
    stored: impl IntoIterator<Item = (i64, ArtifactId)>,
) -> Result<()> {
    for (unit_artifact, artifact) in stored {
        sql("UPDATE unit_artifact SET artifact_id = ? WHERE id = ? AND artifact_id IS NULL")
            .quick()
            .bind(artifact)
            .bind(unit_artifact)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Whether the bytes of a unit's artifact are stored.
pub async fn is_stored(connection: &mut Connection, unit_artifact: i64) -> Result<bool> {
    let row = sql("SELECT 1 FROM unit_artifact WHERE id = ? AND artifact_id IS NOT NULL")
        .quick()
        .bind(unit_artifact)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// The number and type of units given by UUID; those that are not there are left out.
pub async fn by_uuid(
    connection: &mut Connection,
    uuids: &[Uuid],
) -> Result<HashMap<Uuid, (UnitId, i64)>> {
    let mut found = HashMap::with_capacity(uuids.len());
    for part in uuids.chunks(1000) {
        let rows = sql("SELECT uuid, id, content_type_id FROM unit WHERE uuid IN (?*)")
            .bind(part.to_vec())
            .fetch_all(connection)
            .await?;
        for row in rows {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// The repository key of a unit in words: `relative_path 'a.iso'`.
pub async fn key_text(
    connection: &mut Connection,
    table: &TypeTable,
    unit: UnitId,
) -> Result<String> {
    let fields: Vec<_> = table
        .content_type
        .fields
        .iter()
        .filter(|field| table.content_type.repository_key.contains(&field.name))
        .collect();
    let columns: Vec<String> = fields
        .iter()
        .map(|field| crate::content_type::column(&field.name))
        .collect();
    let row = sql(format!(
        "SELECT {} FROM {} WHERE unit_id = ?",
        columns.join(", "),
        table.table
    ))
    .bind(unit)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok("key".to_owned());
    };
    let words = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            Ok(format!(
                "{} {}",
                field.name,
                field_json(&row, index, field.kind)?
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(words.join(", "))
}

/// The numbers of units given by UUID, by type. How many there are tells whether one is
/// missing; a row for each would cost more than the search.
pub async fn ids_by_type(
    connection: &mut Connection,
    uuids: &[Uuid],
) -> Result<Vec<(i64, Vec<UnitId>)>> {
    let mut found = Vec::new();
    for part in uuids.chunks(5000) {
        let asked = sql(
            "SELECT content_type_id, string_agg(CAST(id AS TEXT), ',') FROM unit
             WHERE uuid IN (?*) GROUP BY content_type_id",
        )
        .bind(part.to_vec());
        gather(connection, asked, &mut found).await?;
    }
    Ok(found)
}

/// Units by their types. What it costs follows how many are asked about, not how many
/// there are.
pub async fn by_type(
    connection: &mut Connection,
    units: &[UnitId],
) -> Result<Vec<(i64, Vec<UnitId>)>> {
    let mut found = Vec::new();
    let dialect = connection.dialect();
    let text = format!(
        "SELECT u.content_type_id, string_agg(CAST(u.id AS TEXT), ',')
         FROM {each} e CROSS JOIN unit u WHERE u.id = e.value GROUP BY u.content_type_id",
        each = dialect.each_number(),
    );
    for part in units.chunks(5000) {
        let asked = sql(text.as_str()).bind(dialect.numbers(part.iter().map(|unit| unit.0)));
        gather(connection, asked, &mut found).await?;
    }
    Ok(found)
}

/// Adds rows of a type and its units, joined by commas, to those found before.
async fn gather(
    connection: &mut Connection,
    asked: Statement<'_>,
    found: &mut Vec<(i64, Vec<UnitId>)>,
) -> Result<()> {
    for row in asked.fetch_all(connection).await? {
        let content_type = row.get(0)?;
        let ids: String = row.get(1)?;
        let ids = ids.split(',').filter_map(|id| id.parse().ok().map(UnitId));
        match found.iter_mut().find(|(known, _)| *known == content_type) {
            Some((_, known)) => known.extend(ids),
            None => found.push((content_type, ids.collect())),
        }
    }
    Ok(())
}

/// The UUIDs and types of units.
pub async fn uuids(connection: &mut Connection, units: &[UnitId]) -> Result<Vec<(Uuid, i64)>> {
    let mut found = HashMap::with_capacity(units.len());
    let dialect = connection.dialect();
    let text = format!(
        "SELECT u.id, u.uuid, u.content_type_id
         FROM {each} e CROSS JOIN unit u WHERE u.id = e.value",
        each = dialect.each_number(),
    );
    for part in units.chunks(5000) {
        let rows = sql(text.as_str())
            .bind(dialect.numbers(part.iter().map(|unit| unit.0)))
            .fetch_all(connection)
            .await?;
        for row in rows {
            found.insert(row.get::<UnitId>(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(units
        .iter()
        .filter_map(|id| found.get(id).copied())
        .collect())
}

/// Changes one label of a unit; `None` removes it.
pub async fn set_labels(
    connection: &mut Connection,
    unit: UnitId,
    labels: &JsonValue,
) -> Result<()> {
    sql("UPDATE unit SET pulp_labels = ? WHERE id = ?")
        .bind(labels.clone())
        .bind(unit)
        .execute(connection)
        .await?;
    Ok(())
}

/// A field's value for its column; what is not of the field's kind is no value.
pub fn field_value(kind: FieldKind, value: JsonValue) -> Value {
    match (kind, value) {
        (FieldKind::Text, JsonValue::String(text)) => Value::Text(Some(text)),
        (FieldKind::Integer, value) => Value::Integer(value.as_i64()),
        (FieldKind::Real, value) => Value::Real(value.as_f64()),
        (FieldKind::Boolean, value) => Value::Boolean(value.as_bool()),
        (FieldKind::Json, value) if !value.is_null() => Value::Json(Some(value)),
        _ => no_value(kind),
    }
}

/// The value of a field that a unit has not.
pub fn no_value(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Text => Value::Text(None),
        FieldKind::Integer => Value::Integer(None),
        FieldKind::Real => Value::Real(None),
        FieldKind::Boolean => Value::Boolean(None),
        FieldKind::Json => Value::Json(None),
    }
}

/// Reads a type's field from a row as JSON.
pub fn field_json(row: &crate::Row, index: usize, kind: FieldKind) -> Result<JsonValue> {
    Ok(match kind {
        FieldKind::Text => row.get::<Option<String>>(index)?.into(),
        FieldKind::Integer => row.get::<Option<i64>>(index)?.into(),
        FieldKind::Real => row.get::<Option<f64>>(index)?.into(),
        FieldKind::Boolean => row.get::<Option<bool>>(index)?.into(),
        FieldKind::Json => row.get::<JsonValue>(index)?,
    })
}
