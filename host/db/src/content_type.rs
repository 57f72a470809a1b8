//! One table a content type, made and widened from the plugin's descriptor.

use std::fmt::Write as _;

use pith_model::descriptor::{ContentType, Field, FieldKind};
use serde_json::{Value as JsonValue, json};

use crate::database::{Connection, Transaction};
use crate::error::{Error, Result};
use crate::statement::sql;

/// A content type's table.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeTable {
    /// The row number of the type.
    pub id: i64,
    /// `file.file`
    pub full_name: String,
    /// The plugin, `file`.
    pub plugin: String,
    /// The table's name.
    pub table: String,
    /// What the plugin says of the type.
    pub content_type: ContentType,
}

impl TypeTable {
    /// The columns of the plugin's fields, quoted.
    pub fn columns(&self) -> Vec<String> {
        self.content_type
            .fields
            .iter()
            .map(|field| column(&field.name))
            .collect()
    }

    /// The index of one field alone; none if there is none, or if another's may have its name.
    pub(crate) fn index_of(&self, field: &str) -> Option<String> {
        if field == "repository_key" || field.starts_with("without_") {
            return None;
        }
        let name = index_name(&self.table, field);
        let indexed = self.content_type.indexed.iter();
        let of_name: Vec<&String> = indexed
            .filter(|fields| index_name(&self.table, fields) == name)
            .collect();
        (of_name == [field]).then_some(name)
    }
}

/// A field's column, quoted: a field may be called `order`.
pub fn column(field: &str) -> String {
    format!("\"f_{field}\"")
}

/// Makes the type's table, or widens it by the fields that are new.
///
/// # Errors
/// [`Error::Incompatible`] with a sentence for the plugin's author where the new
/// descriptor does not fit the table: another key, a field that is gone or of another
/// kind, or one that the stored content would have to have and has not.
pub async fn ensure(
    transaction: &mut Transaction,
    plugin: &str,
    content_type: &ContentType,
) -> Result<TypeTable> {
    let full_name = content_type.full_name(plugin);
    let table = table_name(plugin, &content_type.name);
    let known = sql("SELECT id, shape FROM content_type WHERE name = ?")
        .bind(full_name.as_str())
        .fetch_optional(transaction)
        .await?;
    let id = if let Some(row) = known {
        let old: JsonValue = row.get(1)?;
        widen(transaction, &full_name, &table, content_type, &old).await?;
        row.get(0)?
    } else {
        create(transaction, &table, content_type).await?;
        sql(
            "INSERT INTO content_type (name, schema_version, shape) VALUES (?, ?, ?)
             RETURNING id",
        )
        .bind(full_name.as_str())
        .bind(content_type.schema_version)
        .bind(shape(content_type))
        .scalar(transaction)
        .await?
    };
    Ok(TypeTable {
        id,
        full_name,
        plugin: plugin.to_owned(),
        table,
        content_type: content_type.clone(),
    })
}

/// Two underscores: no name has them, so no two types share a table.
pub(crate) fn table_name(plugin: &str, content_type: &str) -> String {
    format!("content_{plugin}__{content_type}")
}

async fn create(connection: &mut Connection, table: &str, new: &ContentType) -> Result<()> {
    let mut text = format!(
        "CREATE TABLE {table} (
            unit_id {{int}} PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE,
            natural_key {{bytes}} NOT NULL UNIQUE,
            repository_key {{bytes}} NOT NULL"
    );
    // What may be large stands last: SQLite reads all that stands before a column.
    let mut fields: Vec<&Field> = new.fields.iter().collect();
    fields.sort_by_key(|field| field.kind == FieldKind::Json);
    for field in fields {
        let _ = write!(
            text,
            ", {} {}",
            column(&field.name),
            column_type(field.kind)
        );
    }
    text.push_str(");");
    let _ = write!(
        text,
        "CREATE INDEX {table}_repository_key ON {table} (repository_key);"
    );
    write_indexes(&mut text, table, new);
    let text = connection.dialect().ddl(&text);
    connection.run_script(&text).await
}

/// The index of fields that are joined by commas.
fn index_name(table: &str, fields: &str) -> String {
    format!("{table}_{}", fields.replace(',', "_"))
}

/// Writes what makes the indexes that are not there.
fn write_indexes(text: &mut String, table: &str, content_type: &ContentType) {
    for fields in &content_type.indexed {
        let columns: Vec<String> = fields.split(',').map(column).collect();
        let _ = write!(
            text,
            "CREATE INDEX IF NOT EXISTS {} ON {table} ({});",
            index_name(table, fields),
            columns.join(", ")
        );
    }
    // Units that have no order key yet are looked for at every start: usually there is none.
    for key in &content_type.order_keys {
        let name = &key.name;
        let _ = write!(
            text,
            "CREATE INDEX IF NOT EXISTS {table}_without_{name} ON {table} (unit_id)
             WHERE {} IS NULL;",
            column(name)
        );
    }
}

async fn widen(
    connection: &mut Connection,
    full_name: &str,
    table: &str,
    new: &ContentType,
    old: &JsonValue,
) -> Result<()> {
    let now = shape(new);
    if *old == now {
        return Ok(());
    }
    let refuse = |why: String| Err(Error::Incompatible(why));
    for (key, called) in [
        ("natural_key", "natural key"),
        ("repository_key", "repository key"),
    ] {
        if old[key] != now[key] {
            return refuse(format!(
                "content type {:?} has another {called} than the content that is stored: {} instead of {}",
                new.name, now[key], old[key]
            ));
        }
    }
    let old_fields = old["fields"].as_object().into_iter().flatten();
    let gone = old_fields.filter(|(name, _)| now["fields"].get(name.as_str()).is_none());
    let mut text = String::new();
    for (field, _) in gone {
        if !new.derived.contains(field) {
            return refuse(format!(
                "content type {:?} lost the field {field:?}, which the stored content has",
                new.name
            ));
        }
        write_removal(&mut text, table, field, old);
    }
    for field in &new.fields {
        match old["fields"].get(&field.name).and_then(JsonValue::as_str) {
            Some(kind) if kind == column_type(field.kind) => {}
            Some(_) => {
                return refuse(format!(
                    "field {:?} of content type {:?} has another type than the content that is stored",
                    field.name, new.name
                ));
            }
            None if new.requires(&field.name) => {
                return refuse(format!(
                    "field {:?} of content type {:?} is new and required, but the stored content \
                     does not have it; make it optional",
                    field.name, new.name
                ));
            }
            None => {
                let (name, kind) = (column(&field.name), column_type(field.kind));
                let _ = write!(text, "ALTER TABLE {table} ADD COLUMN {name} {kind};");
            }
        }
    }
    write_indexes(&mut text, table, new);
    let text = connection.dialect().ddl(&text);
    connection.run_script(&text).await?;
    sql("UPDATE content_type SET schema_version = ?, shape = ? WHERE name = ?")
        .bind(new.schema_version)
        .bind(now)
        .bind(full_name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what removes the column of a field that is derived from now on, and its indexes.
fn write_removal(text: &mut String, table: &str, field: &str, old: &JsonValue) {
    let indexes = old["indexed"].as_array().into_iter().flatten();
    let of_field = indexes.filter_map(JsonValue::as_str);
    for fields in of_field.filter(|fields| fields.split(',').any(|one| one == field)) {
        let index = index_name(table, fields);
        let _ = write!(text, "DROP INDEX IF EXISTS {index};");
    }
    let _ = write!(text, "ALTER TABLE {table} DROP COLUMN {};", column(field));
}

fn shape(content_type: &ContentType) -> JsonValue {
    let fields: serde_json::Map<String, JsonValue> = content_type
        .fields
        .iter()
        .map(|Field { name, kind, .. }| (name.clone(), column_type(*kind).into()))
        .collect();
    let order_keys = content_type.order_keys.iter().map(|key| &key.name);
    json!({
        "fields": fields,
        "natural_key": content_type.natural_key,
        "repository_key": content_type.repository_key,
        "indexed": content_type.indexed,
        "order_keys": order_keys.collect::<Vec<_>>(),
    })
}

fn column_type(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "{text}",
        FieldKind::Integer => "{int}",
        FieldKind::Real => "{real}",
        FieldKind::Boolean => "{bool}",
        FieldKind::Json => "{json}",
    }
}

/// The short names of a plugin's types that have a table.
pub async fn of_plugin(connection: &mut Connection, plugin: &str) -> Result<Vec<String>> {
    let prefix = format!("{plugin}.");
    // A slash follows the dot in the order of bytes: all names that begin with the prefix.
    let names: Vec<String> =
        sql("SELECT name FROM content_type WHERE name > ? AND name < ? ORDER BY id")
            .bind(prefix.as_str())
            .bind(format!("{plugin}/"))
            .scalars(connection)
            .await?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned))
        .collect())
}

/// Removes the tables of a plugin that has no content and no repositories any more.
pub async fn drop_all_of(transaction: &mut Transaction, plugin: &str) -> Result<()> {
    for name in of_plugin(transaction, plugin).await? {
        let table = table_name(plugin, &name);
        transaction
            .run_script(&format!("DROP TABLE {table}"))
            .await?;
        sql("DELETE FROM content_type WHERE name = ?")
            .bind(format!("{plugin}.{name}"))
            .execute(transaction)
            .await?;
    }
    Ok(())
}

/// The names of all types by row number, for counts.
pub async fn names(connection: &mut Connection) -> Result<Vec<(i64, String)>> {
    let rows = sql("SELECT id, name FROM content_type")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}
