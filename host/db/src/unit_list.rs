//! Lists of units: a type's own table with what every unit has, or all types at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use pith_model::descriptor::{Alias, ArtifactCount, FieldKind, Part};
use pith_model::{Kind as ResourceKind, RepositoryId, Timestamp, UnitId, VersionId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::column::Order;
use crate::content_type::{TypeTable, column};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::field_value::FieldValue;
use crate::list::{self, Column, Condition, Kind, Selection, Source};
use crate::row::Row;
use crate::statement::sql;
use crate::unit_table::{
    artifact_tables_of, follows_index, has_one_artifact, led_by_units, names_few, tables,
    tables_in, units_of,
};

/// What a version has to do with the units of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They are in it.
    Present,
    /// It added them.
    Added,
    /// It removed them.
    Removed,
}

/// A version that a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How.
    pub relation: Relation,
    /// The version's row.
    pub version: VersionId,
    /// Whose version it is.
    pub repository: RepositoryId,
    /// Its number there.
    pub number: i64,
}

/// Stored bytes of a unit that has one artifact.
#[derive(Clone, Debug)]
pub struct OneArtifact {
    /// What clients know it by.
    pub uuid: Uuid,
    /// Hexadecimal digests in the order of [`DIGESTS`], empty where one is not known;
    /// none at all for bytes of which only the SHA-256 is known.
    digests: Option<String>,
    sha256: Option<Vec<u8>>,
}

/// The digests of an artifact beside its SHA-256, with their columns.
const DIGESTS: [(&str, &str); 5] = [
    ("md5", "a.md5"),
    ("sha1", "a.sha1"),
    ("sha224", "a.sha224"),
    ("sha384", "a.sha384"),
    ("sha512", "a.sha512"),
];

impl OneArtifact {
    /// A digest by its name, as hexadecimal digits.
    pub fn digest(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "sha256" {
            let bytes = self.sha256.as_ref()?;
            let mut digits = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                let _ = write!(digits, "{byte:02x}");
            }
            return Some(digits.into());
        }
        let at = DIGESTS.iter().position(|(known, _)| *known == name)?;
        let digest = self.digests.as_ref()?.split(' ').nth(at)?;
        (!digest.is_empty()).then_some(digest.into())
    }
}

/// A unit as a list shows it.
#[derive(Clone, Debug)]
pub struct ListedUnit {
    /// Its row.
    pub id: UnitId,
    /// What clients know it by.
    pub uuid: Uuid,
    /// The row of its type.
    pub content_type: i64,
    /// When it came.
    pub pulp_created: Timestamp,
    /// An object, or nothing.
    pub pulp_labels: Option<JsonValue>,
    /// The values of its type's fields, in order; none in a list of all types.
    pub values: Vec<FieldValue>,
    /// Of a type whose units have one: the bytes, where they are stored.
    pub artifact: Option<OneArtifact>,
}

/// The columns by which units of a type can be filtered and ordered.
pub fn columns(table: &TypeTable) -> Vec<Column> {
    let mut columns = base_columns();
    let (plugin, content_type) = (&table.plugin, &table.content_type);
    columns.extend([
        Column::made(
            "pulp_href".to_owned(),
            format!(
                "'{{root}}content/{plugin}/{}/' || {{uuid u.uuid}} || '/'",
                content_type.plural
            ),
            Kind::Text,
        ),
        Column::made(
            "prn".to_owned(),
            format!("'prn:{plugin}.{}:' || {{uuid u.uuid}}", content_type.model),
            Kind::Text,
        ),
    ]);
    let fields = &table.content_type.fields;
    let shown = fields.iter().filter(|field| !field.is_hidden);
    columns.extend(shown.map(|field| {
        let kind = match field.kind {
            FieldKind::Text => Kind::Text,
            FieldKind::Integer => Kind::Integer,
            FieldKind::Real => Kind::Real,
            FieldKind::Boolean => Kind::Boolean,
            FieldKind::Json => Kind::Json,
        };
        let stored = format!("c.{}", column(&field.name));
        let expression = if field.is_signing_service {
            // A PRN, which ends with the UUID.
            format!(
                "'{{root}}{}/' || substr({stored}, length({stored}) - 35) || '/'",
                ResourceKind::SigningService.collection()
            )
        } else {
            stored
        };
        Column {
            is_indexed: table.content_type.indexed.contains(&field.name),
            ..Column::made(field.name.clone(), expression, kind)
        }
    }));
    let aliases = table.content_type.aliases.iter();
    let aliased: Vec<Column> = aliases.map(|alias| aliased(&columns, alias)).collect();
    columns.extend(aliased);
    for key in &table.content_type.order_keys {
        let expression = format!("c.{}", column(&key.name));
        let order = Order {
            expression: expression.clone().into(),
            is_all: key.has_own_name(),
            keys: HashMap::new(),
        };
        if key.has_own_name() {
            columns.push(Column {
                order: Some(order),
                ..Column::made(key.name.clone(), expression, Kind::Text)
            });
        } else if let Some(column) = columns.iter_mut().find(|one| one.name == key.field) {
            column.order = Some(order);
        }
    }
    if table.content_type.artifacts == ArtifactCount::One {
        // A field of the type of that name says the same, and is there on demand too.
        columns.push(Column::new(
            "artifact",
            "'{root}artifacts/' || {uuid a.uuid} || '/'",
            Kind::Text,
        ));
        let digests = DIGESTS.iter().chain(&[("sha256", "a.sha256")]);
        let new = digests.filter(|(name, _)| fields.iter().all(|field| field.name != *name));
        columns.extend(new.map(|(name, expression)| Column::new(name, expression, Kind::Hex)));
        if fields.iter().all(|field| field.name != "digest") {
            columns.push(if has_sha256_field(table) {
                Column::new("digest", "c.\"f_sha256\"", Kind::Text)
            } else {
                Column::new("digest", "a.sha256", Kind::Hex)
            });
        }
    }
    columns
}

/// The column of an alias of fields that have columns.
fn aliased(columns: &[Column], alias: &Alias) -> Column {
    if let [Part::Field(field)] = &*alias.parts
        && let Some(column) = columns.iter().find(|one| one.name == *field)
    {
        return Column {
            name: alias.name.clone().into(),
            ..column.clone()
        };
    }
    let texts = alias.parts.iter().map(|part| match part {
        Part::Field(field) => format!("c.{}", column(field)),
        Part::Words(words) => format!("'{}'", words.replace('\'', "''")),
    });
    let texts: Vec<String> = texts.collect();
    let expression = format!("({})", texts.join(" || "));
    Column::made(alias.name.clone(), expression, Kind::Text)
}

/// The columns by which units of all types can be filtered and ordered.
pub fn base_columns() -> Vec<Column> {
    vec![
        Column::new("pulp_id", "u.uuid", Kind::Uuid).indexed(),
        Column::new("pk", "u.uuid", Kind::Uuid).indexed(),
        Column::new("pulp_created", "u.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "u.pulp_created", Kind::Time),
        Column::new("timestamp_of_interest", "u.touched", Kind::Time),
        Column::new("pulp_labels", "COALESCE(u.pulp_labels, '{}')", Kind::Json),
        Column::new(
            "pulp_type",
            "(SELECT t.name FROM content_type t WHERE t.id = u.content_type_id)",
            Kind::Text,
        ),
    ]
}

/// The column of the UUID.
pub const UUID: &str = "u.uuid";

/// The column of labels.
pub const LABELS: &str = "u.pulp_labels";

/// The condition that a unit has an artifact whose UUID passes a test, such as `= ?`. The
/// table of a type whose units have one is joined with it already.
pub fn artifact_is(table: Option<&TypeTable>, test: &str) -> String {
    match table {
        Some(table) if table.content_type.artifacts == ArtifactCount::One => {
            format!("a.uuid {test}")
        }
        _ => format!(
            "u.id IN (SELECT x.unit_id FROM unit_artifact x
             JOIN artifact y ON y.id = x.artifact_id WHERE y.uuid {test})"
        ),
    }
}

/// The condition that a unit is in no repository and was last wanted before a moment.
pub fn orphaned_since(moment: Timestamp) -> Condition {
    Condition::new(
        "u.touched <= ? AND NOT EXISTS (SELECT 1 FROM membership x WHERE x.unit_id = u.id)",
        [moment.into()],
    )
}

/// The test that a unit of a type is among those with a term, which are looked up first.
pub(crate) const HAS_TERM: &str =
    "c.unit_id IN (SELECT xt.unit_id FROM unit_term xt WHERE xt.hash = ?)";

/// The same test of each unit that is come upon.
pub(crate) const HAS_COMMON_TERM: &str =
    "EXISTS (SELECT 1 FROM unit_term xt WHERE xt.hash = ? AND xt.unit_id = c.unit_id)";

/// The condition that a unit of a type has a term with this hash.
pub fn has_term(hash: i64) -> Condition {
    Condition::new(HAS_TERM, [hash.into()])
}

/// The condition that a version has, added or removed a unit.
pub fn in_version(scope: Scope) -> Condition {
    let held = scope_condition(0, scope);
    Condition::new(
        format!(
            "EXISTS (SELECT 1 FROM membership m0 WHERE m0.unit_id = u.id AND {})",
            held.text
        ),
        held.values,
    )
}

/// The condition that one version has a unit and another, `without`, does not.
pub fn between(without: Scope, with: Scope) -> Condition {
    let (with, without) = (in_version(with), in_version(without));
    Condition::new(
        format!("{} AND NOT {}", with.text, without.text),
        with.values.into_iter().chain(without.values),
    )
}

/// Whether what is selected of an immutable version stays the same: neither a condition nor the
/// order looks at labels, at stored files or at when a unit was last wanted.
pub fn is_lasting(selection: &Selection) -> bool {
    let aliases = ["u", "ua", "a"];
    let is_lasting = |text: &str| aliases.iter().all(|alias| !list::speaks_of(text, alias));
    let mut conditions = selection.conditions.iter();
    let mut order = selection.order.iter();
    conditions.all(|condition| is_lasting(&condition.text))
        && order.all(|(expression, _)| expression == "u.pulp_created" || is_lasting(expression))
}

/// One page of units, and how many there are in all where the page alone does not tell.
pub async fn page(
    connection: &mut Connection,
    table: Option<&TypeTable>,
    scopes: &[Scope],
    selection: &Selection,
) -> Result<(Vec<ListedUnit>, i64)> {
    let (filtered, is_begin) = (
        !selection.conditions.is_empty(),
        selection.begins_the_table(),
    );
    let units_lead = match table {
        Some(table) if names_few(table, selection) => true,
        Some(table) if !scopes.is_empty() && follows_index(table, selection) => {
            has_many(connection, table, scopes).await?
        }
        _ => false,
    };
    let mut selection = selection.clone();
    for (at, scope) in scopes.iter().enumerate() {
        let mut condition = scope_condition(at, *scope);
        if units_lead {
            let column = format!("m{at}.repository_id");
            let other = connection.dialect().not_leading(&column);
            condition.text = condition.text.replace(&column, &other);
            let _ = write!(condition.text, " AND m{at}.unit_id = c.unit_id");
        }
        selection.conditions.insert(at, condition);
    }
    let expressions = expressions(table, &selection.unread, connection.dialect());
    let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    // Rows come in the order of the table that leads the way, so that none are sorted.
    let key = match (scopes, table) {
        ([], None) => "u.id",
        ([], Some(_)) => "c.unit_id",
        _ => "m0.unit_id",
    };
    let from = match table {
        // Every row of the type's table has its unit.
        Some(table) if scopes.is_empty() && !selection.speaks_of("u") => {
            let artifacts = artifact_tables_of(table, "c.unit_id");
            units_of(table, &selection, connection.dialect()) + &artifacts
        }
        Some(table) if units_lead => {
            let units = units_of(table, &selection, connection.dialect());
            led_by_units(table, units, scopes.len(), selection.speaks_of("u"))
        }
        _ => tables_in(table, scopes.len()),
    };
    let source = Source { from: &from, key };
    let tables = tables(table);
    let rows = if !is_begin {
        let key = "u.id";
        let whole = Source { from: &tables, key };
        list::chosen_rows(connection, source, whole, &expressions, &selection).await?
    } else if scopes.is_empty() {
        let whole = Source { from: &tables, key };
        list::rows(connection, whole, &expressions, &selection).await?
    } else {
        list::rows(connection, source, &expressions, &selection).await?
    };
    let units = rows
        .iter()
        .map(|row| read(row, table))
        .collect::<Result<Vec<_>>>()?;
    let count = match list::known_count(units.len(), &selection).or(selection.counted) {
        Some(count) => count,
        None if filtered => list::count(connection, &from, &selection).await?,
        None => match (scopes, table) {
            ([scope], _) => version_count(connection, table, *scope).await?,
            // The index of types is the smallest that knows.
            ([], Some(table)) => {
                let of_type = Selection::one("content_type_id = ?", [table.id.into()]);
                list::count(connection, "unit", &of_type).await?
            }
            ([], None) => list::count(connection, "unit", &Selection::default()).await?,
            _ => list::count(connection, &from, &selection).await?,
        },
    };
    Ok((units, count))
}

/// One unit by its UUID; of a type, or of any.
pub async fn by_uuid(
    connection: &mut Connection,
    table: Option<&TypeTable>,
    uuid: Uuid,
) -> Result<Option<ListedUnit>> {
    let mut selection = Selection::one("u.uuid = ?", [uuid.into()]);
    selection.limit = 1;
    let expressions = expressions(table, &[], connection.dialect());
    let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    let from = tables(table);
    let source = Source {
        from: &from,
        key: "u.id",
    };
    let rows = list::rows(connection, source, &expressions, &selection).await?;
    rows.first().map(|row| read(row, table)).transpose()
}

/// The artifacts of units: whose, at which path, and the stored bytes' UUID.
pub async fn artifact_paths(
    connection: &mut Connection,
    units: &[UnitId],
) -> Result<Vec<(UnitId, String, Option<Uuid>)>> {
    let mut found = Vec::with_capacity(units.len());
    for part in units.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|id| id.0).collect();
        let rows = sql(
            "SELECT ua.unit_id, ua.relative_path, a.uuid FROM unit_artifact ua
             LEFT JOIN artifact a ON a.id = ua.artifact_id
             WHERE ua.unit_id IN (?*) ORDER BY ua.unit_id, ua.relative_path",
        )
        .bind(ids)
        .fetch_all(connection)
        .await?;
        for row in rows {
            found.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

fn scope_condition(at: usize, scope: Scope) -> Condition {
    let (repository, number) = (scope.repository.into(), scope.number.into());
    match scope.relation {
        Relation::Present => Condition::new(
            format!("m{at}.repository_id = ? AND m{at}.added <= ? AND m{at}.removed > ?"),
            [repository, number, scope.number.into()],
        ),
        Relation::Added => Condition::new(
            format!("m{at}.repository_id = ? AND m{at}.added = ?"),
            [repository, number],
        ),
        Relation::Removed => Condition::new(
            format!("m{at}.repository_id = ? AND m{at}.removed = ?"),
            [repository, number],
        ),
    }
}

/// Below this many units it is quicker to sort them than to walk past all that a version has not.
const MANY: i64 = 20_000;

/// Whether one of these versions has so many units that most of a walk along all is theirs.
async fn has_many(
    connection: &mut Connection,
    table: &TypeTable,
    scopes: &[Scope],
) -> Result<bool> {
    let mut fewest = i64::MAX;
    for scope in scopes {
        let count = version_count(connection, Some(table), *scope).await?;
        fewest = fewest.min(count);
    }
    Ok(fewest >= MANY)
}

/// How many units a version has, added or removed: it knows.
async fn version_count(
    connection: &mut Connection,
    table: Option<&TypeTable>,
    scope: Scope,
) -> Result<i64> {
    let counts = crate::version::counts(connection, &[scope.version]).await?;
    Ok(counts
        .iter()
        .filter(|(_, counts)| table.is_none_or(|table| table.id == counts.content_type))
        .map(|(_, counts)| match scope.relation {
            Relation::Present => counts.present,
            Relation::Added => counts.added,
            Relation::Removed => counts.removed,
        })
        .sum())
}

/// What is read of each unit; every column less is time saved, a list has many.
pub(crate) fn expressions(
    table: Option<&TypeTable>,
    unread: &[String],
    dialect: Dialect,
) -> Vec<String> {
    let mut expressions: Vec<String> = ["u.id", "u.uuid", "u.pulp_created", LABELS]
        .map(str::to_owned)
        .to_vec();
    let Some(table) = table else {
        expressions.push("u.content_type_id".to_owned());
        return expressions;
    };
    if has_one_artifact(Some(table)) {
        let columns = DIGESTS.map(|(_, column)| column);
        let digits = columns.map(|column| match dialect {
            Dialect::Sqlite => format!("lower(hex({column}))"),
            Dialect::Postgres => format!("COALESCE(encode({column}, 'hex'), '')"),
        });
        expressions.push("a.uuid".to_owned());
        expressions.push(format!(
            "CASE WHEN COALESCE({}) IS NOT NULL THEN {} END",
            columns.join(", "),
            digits.join(" || ' ' || ")
        ));
        if !has_sha256_field(table) {
            expressions.push("a.sha256".to_owned());
        }
    }
    let columns = table.columns().into_iter().zip(&table.content_type.fields);
    expressions.extend(columns.map(|(column, field)| {
        if field.is_hidden || unread.contains(&field.name) {
            "NULL".to_owned()
        } else {
            format!("c.{column}")
        }
    }));
    expressions
}

/// Whether the type itself says what its artifact's SHA-256 is.
fn has_sha256_field(table: &TypeTable) -> bool {
    table
        .content_type
        .fields
        .iter()
        .any(|field| field.name == "sha256")
}

pub(crate) fn read(row: &Row, table: Option<&TypeTable>) -> Result<ListedUnit> {
    let mut unit = ListedUnit {
        id: row.get(0)?,
        uuid: row.get(1)?,
        pulp_created: row.get(2)?,
        pulp_labels: row.get(3)?,
        content_type: 0,
        values: Vec::with_capacity(table.map_or(0, |table| table.content_type.fields.len())),
        artifact: None,
    };
    let Some(table) = table else {
        unit.content_type = row.get(4)?;
        return Ok(unit);
    };
    unit.content_type = table.id;
    let mut next = 4;
    if has_one_artifact(Some(table)) {
        let has_sha256 = has_sha256_field(table);
        if let Some(uuid) = row.get(4)? {
            unit.artifact = Some(OneArtifact {
                uuid,
                digests: row.get(5)?,
                sha256: if has_sha256 { None } else { row.get(6)? },
            });
        }
        next = if has_sha256 { 6 } else { 7 };
    }
    for (at, field) in table.content_type.fields.iter().enumerate() {
        let value = FieldValue::read(row, next + at, field.kind)?;
        unit.values.push(value);
    }
    Ok(unit)
}
