//! Where the file of a new unit comes from: with the request, from a stored file, from an
//! upload, or from an address that the host fetches.

use std::sync::Arc;

use pith_content::upload::{self, Whose};
use pith_db::access::Object;
use pith_model::Reference;
use pith_model::access::Securable;
use pith_model::reference::{Kind, core_prn};
use pith_tasks::work::{Expectation, Source};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::upload::File;
use crate::query::not_a_reference;
use crate::receive::{self, ReceivedFile};
use crate::remotes;
use crate::sent::SentFile;

/// The ways, as they are called.
const NAMES: &str = "'file', 'artifact', 'upload' and 'file_url'";

/// A file that is not kept yet, or one that the task gets.
#[derive(Debug)]
pub(crate) enum Found {
    /// It came with the request, or with the one that a plugin answers.
    Sent(Arc<SentFile>),
    /// It is elsewhere.
    There(File),
}

/// Takes the source from a form, and whatever came with the request; `params` are the
/// names that the plugin wants for itself.
pub(crate) async fn take(
    context: &Context,
    form: &mut Form,
    file: Option<ReceivedFile>,
    params: &[&str],
) -> Result<Option<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut announced = receive::expectation(form, params);
    if let Some(file) = file {
        found.push(sent(context, form, &announced, Arc::new(file.into())).await?);
    }
    found.extend(artifact(context, form, &announced).await?);
    found.extend(
        chunked(context, form, &mut announced)
            .await?
            .map(Found::There),
    );
    found.extend(address(context, form, announced)?.map(Found::There));
    match found.len() {
        0 if !form.is_wrong() => form.wrong_together(format!("One of {NAMES} must be specified.")),
        0 | 1 => {}
        _ => form.wrong_together(format!("Only one of {NAMES} may be specified.")),
    }
    Ok(found.pop())
}

/// Keeps a file that came with the request.
pub(crate) async fn keep(context: &Context, found: Found) -> Result<File> {
    match found {
        Found::There(file) => Ok(file),
        Found::Sent(file) => Ok(File {
            name: file.name().to_owned(),
            ..File::stored(file.keep(&context.app).await?)
        }),
    }
}

async fn sent(
    context: &Context,
    form: &mut Form,
    announced: &Expectation,
    file: Arc<SentFile>,
) -> Result<Found> {
    file.compare(&context.app, form, announced).await?;
    Ok(Found::Sent(file))
}

async fn artifact(
    context: &Context,
    form: &mut Form,
    announced: &Expectation,
) -> Result<Option<Found>> {
    const FIELD: &str = "artifact";
    if let Some(file) = &context.sent
        && form.peek(FIELD).and_then(Value::as_str) == Some(file.href())
    {
        form.take(FIELD);
        let file = Arc::clone(file);
        return Ok(Some(sent(context, form, announced, file).await?));
    }
    let mut connection = context.app.database.read().await?;
    let given = lookup::artifact(&mut connection, context.access()?, form, FIELD).await?;
    drop(connection);
    let Given::This(artifact) = given else {
        return Ok(None);
    };
    receive::compare_stored(form, announced, &artifact);
    Ok(Some(Found::There(File::stored(artifact.id))))
}

async fn chunked(
    context: &Context,
    form: &mut Form,
    announced: &mut Expectation,
) -> Result<Option<File>> {
    let Given::This(text) = form.nullable_text("upload") else {
        return Ok(None);
    };
    let reference = Reference::parse(&text).filter(|reference| reference.kind == Kind::Upload);
    let Some(reference) = reference else {
        form.wrong("upload", not_a_reference(&text));
        return Ok(None);
    };
    let found = upload::find(&context.app.services, Whose::Anybodys, reference.uuid).await;
    let mut connection = context.app.database.read().await?;
    let upload = match found {
        Ok(upload) => {
            let object = Object::core(Securable::Upload, upload.id.0);
            let access = context.access()?;
            let may = access.may(&mut connection, &object, "change").await?;
            may.then_some(upload)
        }
        Err(_) => None,
    };
    drop(connection);
    let Some(upload) = upload else {
        form.wrong("upload", "Invalid hyperlink - Object does not exist.");
        return Ok(None);
    };
    for digest in &announced.digests {
        let (algorithm, _) = digest.split_once(':').unwrap_or_default();
        if algorithm != "sha256" {
            form.wrong(algorithm, "Of an upload only sha256 is known.");
        }
    }
    Ok(Some(File {
        source: Source::Upload {
            id: upload.id.0,
            keep: false,
            expected: std::mem::take(announced),
        },
        name: String::new(),
        upload: Some(core_prn(Kind::Upload, upload.uuid)),
        fields: Map::new(),
    }))
}

fn address(context: &Context, form: &mut Form, announced: Expectation) -> Result<Option<File>> {
    let url = form.nullable_text("file_url").value();
    let network = form.object("downloader_config");
    let Some(url) = url else {
        if network.is_some_and(|network| !network.is_empty()) {
            form.wrong("downloader_config", "It is only for a 'file_url'.");
        }
        return Ok(None);
    };
    let settings = remotes::network(&context.app.seal, form, &url, network.unwrap_or_default())?;
    let name = url.rsplit('/').next().unwrap_or_default();
    let name = name.split(['?', '#']).next().unwrap_or_default().to_owned();
    Ok(Some(File {
        source: Source::Url {
            settings: Box::new(settings),
            expected: announced,
        },
        name,
        upload: None,
        fields: Map::new(),
    }))
}

/// What a task shows of its parameters: no secrets.
pub(crate) fn hide_secrets(parameters: &mut Map<String, Value>) {
    if let Some(network) = parameters.get_mut("downloader_config") {
        let parsed = network
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let mut shown: Value = parsed.unwrap_or_else(|| network.take());
        if let Some(map) = shown.as_object_mut() {
            let secrets = pith_model::remote::Secrets::default();
            for (name, _) in secrets.entries() {
                map.remove(name);
            }
            map.remove("headers");
        } else {
            shown = Value::Null;
        }
        *network = shown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_shows_no_secrets() {
        for network in [
            json!({"password": "hush", "headers": [{"A": "hush"}], "tls_validation": true}),
            json!("{\"password\": \"hush\", \"tls_validation\": true}"),
        ] {
            let mut parameters = Map::from_iter([("downloader_config".to_owned(), network)]);
            hide_secrets(&mut parameters);
            let expected = json!({"downloader_config": {"tls_validation": true}});
            assert_eq!(Value::Object(parameters), expected);
        }
        let mut parameters = Map::from_iter([("downloader_config".to_owned(), json!("hush"))]);
        hide_secrets(&mut parameters);
        assert_eq!(parameters["downloader_config"], Value::Null);
    }
}
