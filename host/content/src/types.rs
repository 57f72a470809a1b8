//! The tables of the content types in service, by every name they are known by.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;

use pith_db::content_type::TypeTable;
use pith_db::{Database, Result, Transaction};
use pith_model::Descriptor;
use pith_model::access::roles_of;
use pith_model::descriptor::{ContentType, FieldKind};
use pith_model::login::Login;
use pith_model::schema::ORDER;
use serde_json::{Map, Value};

/// A content type's table with the check of its drafts.
#[derive(Debug)]
pub struct Type {
    /// The table.
    pub table: Arc<TypeTable>,
    validator: jsonschema::Validator,
    /// Where a field is in the type's order.
    positions: HashMap<String, usize>,
    /// Fields whose lists and objects the schema says nothing more of.
    verbatim: HashSet<String>,
}

impl Type {
    /// The place of a field in the type's order.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.positions.get(field).copied()
    }

    /// The place of a field if a list or an object in it fits the schema whatever is in it.
    pub fn verbatim(&self, field: &str) -> Option<usize> {
        self.position(field)
            .filter(|_| self.verbatim.contains(field))
    }

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

#[derive(Clone, Debug, Default)]
struct Tables {
    by_id: HashMap<i64, Arc<Type>>,
    by_name: HashMap<String, Arc<Type>>,
    /// By plugin and plural.
    by_path: HashMap<(String, String), Arc<Type>>,
    /// Of types of remotes, by plugin and name.
    logins: HashMap<(String, String), Arc<Login>>,
}

/// The fields of which a schema knows nothing but the type, and that are in no key.
fn verbatim(content_type: &ContentType) -> HashSet<String> {
    const OF_OBJECTS: &[&str] = &["properties", "required", "additionalProperties"];
    const OF_ANY: &[&str] = &["type", "title", "description", "$schema", ORDER];
    let schema = &content_type.schema;
    let is_plain = |schema: &Value, more: &[&str]| {
        let mut words = schema.as_object().into_iter().flat_map(Map::keys);
        words.all(|word| OF_ANY.contains(&word.as_str()) || more.contains(&word.as_str()))
    };
    // Rules for the whole object may look into any field.
    let additional = schema.get("additionalProperties");
    if !is_plain(schema, OF_OBJECTS) || additional.is_some_and(Value::is_object) {
        return HashSet::new();
    }
    let keys = [&content_type.natural_key, &content_type.repository_key];
    let fields = content_type.fields.iter();
    fields
        .filter(|field| field.kind == FieldKind::Json)
        .map(|field| &field.name)
        .filter(|name| is_plain(&schema["properties"][name.as_str()], &[]))
        .filter(|name| keys.iter().all(|key| !key.contains(name)))
        .cloned()
        .collect()
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
pub struct Types(Arc<ArcSwap<Tables>>);

/// The types of one plugin, with their tables made but not in service yet.
#[derive(Debug)]
pub struct Prepared {
    plugin: String,
    types: Vec<Arc<Type>>,
    logins: Vec<(String, Arc<Login>)>,
}

impl Types {
    /// Makes or widens the tables of a plugin's types; they exist once the transaction
    /// commits.
    ///
    /// # Errors
    /// [`pith_db::Error::Incompatible`] where a type does not fit what is stored.
    pub async fn prepare(
        transaction: &mut Transaction,
        descriptor: &Descriptor,
    ) -> Result<Prepared> {
        let stored = pith_db::content_type::of_plugin(transaction, &descriptor.name).await?;
        if let Some(gone) = stored
            .iter()
            .find(|name| descriptor.content_type(name).is_none())
        {
            return Err(pith_db::Error::Incompatible(format!(
                "the content type {gone:?} is gone, but its content is stored"
            )));
        }
        pith_db::role::ensure(transaction, &roles_of(descriptor)).await?;
        let mut types = Vec::new();
        for content_type in &descriptor.content_types {
            let table =
                pith_db::content_type::ensure(transaction, &descriptor.name, content_type).await?;
            let validator = validator(&content_type.schema).map_err(|error| {
                pith_db::Error::Unexpected(
                    format!("the schema of {:?} is wrong: {error}", content_type.name).into(),
                )
            })?;
            let names = content_type.fields.iter().map(|field| &field.name);
            types.push(Arc::new(Type {
                positions: names.cloned().zip(0..).collect(),
                verbatim: verbatim(content_type),
                table: Arc::new(table),
                validator,
            }));
        }
        let logins = descriptor.remote_types.iter().filter_map(|one| {
            let login = one.login.clone()?;
            Some((one.name.clone(), Arc::new(login)))
        });
        Ok(Prepared {
            plugin: descriptor.name.clone(),
            types,
            logins: logins.collect(),
        })
    }

    /// Puts a plugin's types into service in place of those it had.
    pub fn put(&self, prepared: &Prepared) {
        self.0.rcu(|now| {
            let mut next = Tables::clone(now);
            next.by_path
                .retain(|(plugin, _), _| *plugin != prepared.plugin);
            for one in &prepared.types {
                let table = &one.table;
                let path = (table.plugin.clone(), table.content_type.plural.clone());
                next.by_id.insert(table.id, Arc::clone(one));
                next.by_name
                    .insert(table.full_name.clone(), Arc::clone(one));
                next.by_path.insert(path, Arc::clone(one));
            }
            next.logins
                .retain(|(plugin, _), _| *plugin != prepared.plugin);
            for (name, login) in &prepared.logins {
                let key = (prepared.plugin.clone(), name.clone());
                next.logins.insert(key, Arc::clone(login));
            }
            next
        });
    }

    /// Takes the types of a plugin out of service.
    pub fn remove(&self, plugin: &str) {
        self.0.rcu(|now| {
            let mut next = Tables::clone(now);
            next.by_path.retain(|(owner, _), _| owner != plugin);
            next.by_name.retain(|_, one| one.table.plugin != plugin);
            next.by_id.retain(|_, one| one.table.plugin != plugin);
            next.logins.retain(|(owner, _), _| owner != plugin);
            next
        });
    }

    /// Prepares a plugin's types and puts them into service at once.
    ///
    /// # Errors
    /// Where a type does not fit what is stored; nothing has changed then.
    pub async fn install(&self, database: &Database, descriptor: &Descriptor) -> Result<()> {
        let mut transaction = database.write_durably().await?;
        let prepared = Self::prepare(&mut transaction, descriptor).await?;
        transaction.commit().await?;
        self.put(&prepared);
        Ok(())
    }

    /// The types as they are now, for whoever must not see them change.
    #[must_use]
    pub fn pinned(&self) -> Self {
        Self(Arc::new(ArcSwap::new(self.0.load_full())))
    }

    fn get<T>(&self, pick: impl FnOnce(&Tables) -> T) -> T {
        pick(&self.0.load())
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

    /// How remotes of a type log in, if they have to.
    pub fn login(&self, plugin: &str, remote_type: &str) -> Option<Arc<Login>> {
        let key = (plugin.to_owned(), remote_type.to_owned());
        self.get(|tables| tables.logins.get(&key).cloned())
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
