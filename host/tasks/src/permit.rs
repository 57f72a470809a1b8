//! Whether who uploads may: units that are about an entity need a permission for it.

use std::collections::{BTreeSet, HashSet};

use pith_db::access::{Access, Roles};
use pith_db::{entity, unit, unit_list, user};
use pith_model::schema::named_entities;
use pith_model::task::TaskError;
use pith_model::{UnitId, UserId};

use crate::run::{Context, failed_db};

/// Refuses units about entities that whoever gave the task may not upload to.
pub(crate) async fn check(context: &Context, units: &[UnitId]) -> Result<(), TaskError> {
    let services = &context.toolbox.services;
    let mut connection = services.database.read().await.map_err(failed_db)?;
    let rows = unit::uuids(&mut connection, units)
        .await
        .map_err(failed_db)?;
    let mut named = BTreeSet::new();
    for (uuid, content_type) in rows {
        let Some(table) = services.types.by_id(content_type) else {
            continue;
        };
        let schema = &table.content_type.schema;
        if named_entities(schema).next().is_none() {
            continue;
        }
        let listed = unit_list::by_uuid(&mut connection, Some(&table), uuid);
        let listed = listed.await.map_err(failed_db)?;
        let values = listed.map(|listed| listed.values).unwrap_or_default();
        for (field, type_name, verb) in named_entities(schema) {
            let fields = table.content_type.fields.iter();
            let value = fields.zip(&values).find(|(one, _)| one.name == field);
            if let Some(name) = value.and_then(|(_, value)| value.as_str()) {
                named.insert([&*table.plugin, type_name, name, verb].map(str::to_owned));
            }
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let user = match context.task.user {
        Some(user) => user::by_id(&mut connection, user)
            .await
            .map_err(failed_db)?,
        None => None,
    };
    // Who is gone may do what somebody without any role may.
    let access = match &user {
        Some(user) => Access::of(&mut connection, user).await.map_err(failed_db)?,
        None => Access::Roles(Roles {
            user: UserId(0),
            permissions: HashSet::new(),
        }),
    };
    for [plugin, type_name, name, verb] in named {
        let one = (plugin.as_str(), type_name.as_str(), name.as_str());
        let allowed = entity::allows(&mut connection, &access, one, &verb);
        if !allowed.await.map_err(failed_db)? {
            return Err(TaskError::new(
                "denied",
                format!("whoever uploads to the {type_name} {name:?} needs the permission for it"),
            ));
        }
    }
    Ok(())
}
