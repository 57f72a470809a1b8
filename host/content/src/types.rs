//! The tables of the content types in service, by every name they are known by.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use pith_db::content_type::TypeTable;
use pith_db::{Database, Result};
use pith_model::Descriptor;

/// A content type's table with the check of its drafts.
#[derive(Debug)]
pub struct Type {
    /// The table.
    pub table: Arc<TypeTable>,
    validator: jsonschema::Validator,
}

impl Type {
    /// What is wrong with a draft's fields, if anything is.
    pub fn problem(&self, fields: &serde_json::Value) -> Option<String> {
        if self.validator.is_valid(fields) {
            return None;
        }
        self.validator.iter_errors(fields).next().map(|error| {
            let place = error.instance_path().to_string();
            let place = place.trim_start_matches('/').replace('/', ".");
            if place.is_empty() {
                error.to_string()
            } else {
                format!("{place}: {error}")
            }
        })
    }
}

#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the same types, by three names")]
struct Tables {
    by_id: HashMap<i64, Arc<Type>>,
    by_name: HashMap<String, Arc<Type>>,
    /// By plugin and plural.
    by_path: HashMap<(String, String), Arc<Type>>,
}

/// With patterns that are matched in linear time: schemas come from strangers.
fn validator(
    schema: &serde_json::Value,
) -> std::result::Result<jsonschema::Validator, jsonschema::ValidationError<'static>> {
    jsonschema::options()
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .build(schema)
}

/// All of them; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Types(Arc<RwLock<Tables>>);

impl Types {
    /// Makes or widens the tables of a plugin's types and puts them into service.
    ///
    /// # Errors
    /// Where a type does not fit what is stored; nothing has changed then.
    pub async fn install(&self, database: &Database, descriptor: &Descriptor) -> Result<()> {
        let mut transaction = database.write_durably().await?;
        let mut made = Vec::new();
        for content_type in &descriptor.content_types {
            let table =
                pith_db::content_type::ensure(&mut transaction, &descriptor.name, content_type)
                    .await?;
            let validator = validator(&content_type.schema).map_err(|error| {
                pith_db::Error::Unexpected(
                    format!("the schema of {:?} is wrong: {error}", content_type.name).into(),
                )
            })?;
            made.push(Arc::new(Type {
                table: Arc::new(table),
                validator,
            }));
        }
        transaction.commit().await?;
        let mut tables = self.0.write().expect("nobody panics while holding it");
        for one in made {
            let table = &one.table;
            let path = (table.plugin.clone(), table.content_type.plural.clone());
            tables.by_id.insert(table.id, Arc::clone(&one));
            tables
                .by_name
                .insert(table.full_name.clone(), Arc::clone(&one));
            tables.by_path.insert(path, one);
        }
        Ok(())
    }

    fn get<T>(&self, pick: impl FnOnce(&Tables) -> T) -> T {
        pick(&self.0.read().expect("nobody panics while holding it"))
    }

    /// By the row of its type.
    pub fn by_id(&self, id: i64) -> Option<Arc<TypeTable>> {
        self.get(|tables| tables.by_id.get(&id).map(|one| Arc::clone(&one.table)))
    }

    /// By `file.file`.
    pub fn by_name(&self, full_name: &str) -> Option<Arc<TypeTable>> {
        self.get(|tables| {
            tables
                .by_name
                .get(full_name)
                .map(|one| Arc::clone(&one.table))
        })
    }

    /// By `content/<plugin>/<plural>/`.
    pub fn by_path(&self, plugin: &str, plural: &str) -> Option<Arc<TypeTable>> {
        let path = (plugin.to_owned(), plural.to_owned());
        self.get(|tables| tables.by_path.get(&path).map(|one| Arc::clone(&one.table)))
    }

    /// With its check, by `file.file`.
    pub fn checked(&self, full_name: &str) -> Option<Arc<Type>> {
        self.get(|tables| tables.by_name.get(full_name).cloned())
    }

    /// All, in the order of their rows.
    pub fn all(&self) -> Vec<Arc<TypeTable>> {
        let mut all: Vec<_> = self.get(|tables| {
            tables
                .by_id
                .values()
                .map(|one| Arc::clone(&one.table))
                .collect()
        });
        all.sort_by_key(|table: &Arc<TypeTable>| table.id);
        all
    }

    /// Those of one plugin.
    pub fn of_plugin(&self, plugin: &str) -> Vec<Arc<TypeTable>> {
        let mut all = self.all();
        all.retain(|table| table.plugin == plugin);
        all
    }
}
