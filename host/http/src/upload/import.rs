//! Making units of an upload, which stays for more of them.

use std::sync::Arc;

use axum::response::Response;
use pith_content::upload;
use pith_db::content_type::TypeTable;
use pith_model::descriptor::TaskKind;
use pith_model::reference::{Kind, core_prn};
use pith_model::schema::{for_content_type, property_names};
use pith_tasks::work::{Expectation, Source};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::shape::refuse;
use crate::app::App;
use crate::body::Fields;
use crate::context::Context;
use crate::declared;
use crate::error::Result;
use crate::form::Form;
use crate::order::{self, upload::File};

/// `POST import_upload`
pub(super) async fn import(context: Context, fields: Fields) -> Result<Response> {
    let parameters = order::shown(&fields.map);
    let mut form = Form::from(fields);
    for name in ["upload_id", "unit_type_id", "unit_key"] {
        form.require(name);
    }
    let uuid = form.text("upload_id").and_then(|text| {
        let parsed = Uuid::try_parse(&text);
        if parsed.is_err() {
            form.wrong("upload_id", "Expected the upload_id of an answer.");
        }
        parsed.ok()
    });
    let table = form
        .text("unit_type_id")
        .and_then(|name| content_type(&context.app, &mut form, &name));
    let (Some(uuid), Some(table)) = (uuid, table) else {
        return Err(form.into_error());
    };
    let found = upload::find(&context.app.services, context.whose()?, uuid).await;
    let upload = found.map_err(refuse)?;
    let given = Given::take(&context.app, &table, &mut form)?;
    for (name, value) in given.params {
        form.put(name, value);
    }
    let checked = order::upload::check(&context, &table, form).await?;
    let file = File {
        source: Source::Upload {
            id: upload.id.0,
            keep: true,
            expected: Expectation::default(),
        },
        name: String::new(),
        upload: Some(core_prn(Kind::Upload, upload.uuid)),
        fields: given.fields,
    };
    order::accept(&context, checked.order(file, parameters)).await
}

/// The content type that a client names: `file.file`, or a name that only one plugin has.
fn content_type(app: &App, form: &mut Form, name: &str) -> Option<Arc<TypeTable>> {
    let in_service = |table: &Arc<TypeTable>| app.plugins.current(&table.plugin).is_some();
    let mut tables = app.types.all();
    tables.retain(in_service);
    let named: Vec<_> = tables
        .iter()
        .filter(|table| {
            let content_type = &table.content_type;
            table.full_name == name || content_type.name == name || content_type.plural == name
        })
        .collect();
    let exact = named.iter().find(|table| table.full_name == name);
    let only = named.first().filter(|_| named.len() == 1);
    if let Some(table) = exact.or(only) {
        return Some(Arc::clone(table));
    }
    let known: Vec<&str> = tables
        .iter()
        .map(|table| table.full_name.as_str())
        .collect();
    form.wrong(
        "unit_type_id",
        format!(
            "{name:?} names no content type; there are: {}.",
            known.join(", ")
        ),
    );
    None
}

/// What the client says of the unit, sorted by who wants to know it.
#[derive(Debug, Default)]
struct Given {
    /// The plugin, to make the unit.
    params: Map<String, Value>,
    /// The host, to compare the unit with.
    fields: Map<String, Value>,
}

impl Given {
    fn take(app: &App, table: &TypeTable, form: &mut Form) -> Result<Self> {
        let generation = declared::generation_of_row(app, &table.plugin)?;
        let task_type = declared::task_type(&generation, TaskKind::Upload);
        let schema = task_type
            .map(|task_type| for_content_type(&task_type.params, &table.content_type.name))
            .unwrap_or_default();
        let params: Vec<&str> = property_names(&schema).collect();
        let fields = &table.content_type.fields;
        let fields: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let mut given = Self::default();
        for (part, compares) in [
            ("unit_key", true),
            ("unit_metadata", true),
            ("override_config", false),
        ] {
            for (name, value) in form.object(part).unwrap_or_default() {
                let known = fields.contains(&name.as_str());
                let place = if params.contains(&name.as_str()) {
                    &mut given.params
                } else if compares && known {
                    &mut given.fields
                } else {
                    let mut names = params.clone();
                    names.extend(fields.iter().filter(|_| compares));
                    names.sort_unstable();
                    names.dedup();
                    let names = names.join(", ");
                    let message = format!("{name:?} is not known here; known are: {names}.");
                    form.wrong(part, message);
                    continue;
                };
                let before = place.insert(name.clone(), value.clone());
                if before.is_some_and(|before| before != value) {
                    form.wrong(part, format!("{name:?} is given twice, and differs."));
                }
            }
        }
        if form.is_wrong() {
            return Err(std::mem::take(form).into_error());
        }
        Ok(given)
    }
}
