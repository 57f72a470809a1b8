//! The questions that a copy asks: which units of a version are chosen, and what units
//! refer to. All of them are about sets; none is asked for each unit.

use pith_model::descriptor::{FieldKind, Reference};
use pith_model::{RepositoryId, UnitId};
use serde_json::Value as JsonValue;

use crate::content_type::{TypeTable, column};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::list::Condition;
use crate::membership::PRESENT;
use crate::statement::{Value, sql};
use crate::unit_filter;

/// Units that are handed to one statement.
const PART: usize = 5_000;

/// The condition that the unit `b` is in a version, to be bound with [`Place::values`].
///
/// A value that is looked up for one unit, not a join nor an `EXISTS`, which is made one:
/// without statistics both databases may then begin with all units of the version, for
/// every reference anew.
const IN_PLACE: &str = "(SELECT m.unit_id FROM membership m WHERE m.unit_id = b.unit_id
     AND m.repository_id = ? AND m.added <= ? AND m.removed > ? LIMIT 1) IS NOT NULL";

/// A version that units are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose version.
    pub repository: RepositoryId,
    /// Its number.
    pub number: i64,
}

impl Place {
    fn values(self) -> [Value; 3] {
        [
            self.repository.into(),
            self.number.into(),
            self.number.into(),
        ]
    }
}

/// Calls `each` for the units of a type in a version that fulfill a condition.
pub async fn units_of_type(
    connection: &mut Connection,
    table: &TypeTable,
    place: Place,
    condition: Option<&Condition>,
    mut each: impl FnMut(UnitId),
) -> Result<()> {
    if let Some(condition) = condition {
        let version = (place.repository, place.number);
        let conditions = vec![condition.clone()];
        return unit_filter::for_each_in_version(connection, table, version, conditions, each)
            .await;
    }
    // Nothing but the type's table is needed to know the type.
    sql(format!(
        "SELECT m.unit_id FROM membership m JOIN {} c ON c.unit_id = m.unit_id WHERE {PRESENT}",
        table.table
    ))
    .bind_all(place.values())
    .for_each(connection, |row| {
        each(row.get(0)?);
        Ok(())
    })
    .await
}

/// Calls `each` with a unit and one in a version that it refers to, for every such pair
/// of these units.
pub async fn referred(
    connection: &mut Connection,
    (table, target): (&TypeTable, &TypeTable),
    reference: &Reference,
    place: Place,
    units: &[UnitId],
    mut each: impl FnMut(UnitId, UnitId),
) -> Result<()> {
    let dialect = connection.dialect();
    let elements = Elements::of(table, reference, dialect);
    let text = format!(
        "SELECT c.unit_id, b.unit_id FROM {ids} e JOIN {table} c ON c.unit_id = e.value{from}
         JOIN {target} b ON {matches} WHERE {IN_PLACE}",
        ids = dialect.each_number(),
        table = table.table,
        from = elements.from,
        target = target.table,
        matches = elements.matches(reference),
    );
    for part in units.chunks(PART) {
        sql(text.as_str())
            .bind(dialect.numbers(part.iter().map(|unit| unit.0)))
            .bind_all(place.values())
            .for_each(connection, |row| {
                each(row.get(0)?, row.get(1)?);
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// Calls `each` with a unit and what it refers to in words, for every reference of these
/// units that leads to nothing in either version.
pub async fn missing(
    connection: &mut Connection,
    (table, target): (&TypeTable, &TypeTable),
    reference: &Reference,
    places: [Place; 2],
    units: &[UnitId],
    mut each: impl FnMut(UnitId, JsonValue),
) -> Result<()> {
    let dialect = connection.dialect();
    let elements = Elements::of(table, reference, dialect);
    let keys: Vec<String> = elements.keys.iter().map(|key| format!(", {key}")).collect();
    let text = format!(
        "SELECT c.unit_id{keys} FROM {ids} e JOIN {table} c ON c.unit_id = e.value{from}
         WHERE {first} IS NOT NULL AND (SELECT b.unit_id FROM {target} b
             WHERE {matches} AND ({IN_PLACE} OR {IN_PLACE}) LIMIT 1) IS NULL",
        keys = keys.concat(),
        ids = dialect.each_number(),
        table = table.table,
        from = elements.from,
        first = elements.keys.first().map_or("1", String::as_str),
        target = target.table,
        matches = elements.matches(reference),
    );
    for part in units.chunks(PART) {
        sql(text.as_str())
            .bind(dialect.numbers(part.iter().map(|unit| unit.0)))
            .bind_all(places.into_iter().flat_map(Place::values))
            .for_each(connection, |row| {
                let mut words = serde_json::Map::new();
                for (at, (_, field)) in reference.keys.iter().enumerate() {
                    let value: Option<String> = row.get(at + 1)?;
                    words.insert(field.clone(), value.into());
                }
                each(row.get(0)?, JsonValue::Object(words));
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// The elements that a unit `c` refers by, as SQL.
struct Elements {
    /// What follows in the `FROM`.
    from: String,
    /// The text of each key.
    keys: Vec<String>,
}

impl Elements {
    fn of(table: &TypeTable, reference: &Reference, dialect: Dialect) -> Self {
        let first = reference.path.first().map_or("", String::as_str);
        let field = format!("c.{}", column(first));
        let is_text = table
            .content_type
            .fields
            .iter()
            .any(|one| one.name == first && one.kind == FieldKind::Text);
        if is_text {
            return Self {
                from: String::new(),
                keys: vec![field],
            };
        }
        let mut alias = String::from("x0");
        let mut from = dialect.each_element(&field, &alias);
        for (at, name) in reference.path.iter().enumerate().skip(1) {
            let inner = dialect.element_list(&alias, name);
            alias = format!("x{at}");
            from.push_str(&dialect.each_element(&inner, &alias));
        }
        let keys = reference
            .keys
            .iter()
            .map(|(property, _)| dialect.element_text(&alias, property.as_deref()));
        Self {
            from,
            keys: keys.collect(),
        }
    }

    /// That a unit `b` is what is referred to.
    fn matches(&self, reference: &Reference) -> String {
        let pairs = self.keys.iter().zip(&reference.keys);
        let pairs: Vec<String> = pairs
            .map(|(key, (_, field))| format!("b.{} = {key}", column(field)))
            .collect();
        pairs.join(" AND ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_inside_of_lists_are_joined_one_by_one() {
        let reference = Reference {
            path: vec!["pkglist".into(), "packages".into()],
            target: "package".into(),
            keys: vec![(Some("name".into()), "name".into()), (None, "id".into())],
        };
        let content_type = pith_model::ContentType {
            name: "advisory".into(),
            plural: "advisories".into(),
            model: "advisory".into(),
            model_words: "advisory".into(),
            title: "Advisory".into(),
            artifacts: pith_model::ArtifactCount::None,
            schema_version: 1,
            schema: JsonValue::Null,
            fields: Vec::new(),
            natural_key: Vec::new(),
            repository_key: Vec::new(),
            indexed: Vec::new(),
            references: Vec::new(),
            derived: Vec::new(),
            links: Vec::new(),
            aliases: Vec::new(),
            picture: None,
            order_keys: Vec::new(),
        };
        let table = TypeTable {
            id: 1,
            full_name: "rpm.advisory".into(),
            plugin: "rpm".into(),
            table: "content_rpm__advisory".into(),
            content_type,
        };
        let elements = Elements::of(&table, &reference, Dialect::Postgres);
        assert_eq!(elements.from.matches("jsonb_array_elements").count(), 2);
        assert_eq!(
            elements.matches(&reference),
            "b.\"f_name\" = (x1.value ->> 'name') AND b.\"f_id\" = (x1.value #>> '{}')"
        );
    }
}
