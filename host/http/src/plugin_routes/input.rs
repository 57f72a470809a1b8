//! What comes with a request to a plugin's route.

use axum::extract::Request;
use pith_content::ingest::ingest;
use pith_db::access;
use pith_model::Root;
use pith_model::reference::Kind;
use pith_model::route::RouteInput;
use pith_plugin::serve::Upload;
use serde_json::Value;

use crate::app::App;
use crate::auth::Identity;
use crate::body;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::receive;

/// What a plugin is given of a request's body.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// JSON.
    pub(super) body: Option<String>,
    /// In the store.
    pub(super) file: Option<Upload>,
}

/// The part of a form that has the file.
const FILE: &str = "file";

/// Takes what a route wants.
pub(super) async fn take(
    app: &App,
    input: RouteInput,
    identity: Option<&Identity>,
    request: Request,
) -> Result<Taken> {
    match input {
        RouteInput::None => Ok(Taken::default()),
        RouteInput::Json => {
            let value = body::read_value(request, body::LIMIT).await?;
            Ok(Taken {
                body: Some(value.to_string()),
                file: None,
            })
        }
        RouteInput::File => file(app, identity, request).await,
    }
}

async fn file(app: &App, identity: Option<&Identity>, request: Request) -> Result<Taken> {
    let received = receive::receive(request, &*app.store, FILE).await?;
    let shown = Value::Object(received.fields.map.clone());
    let mut form = Form::from(received.fields);
    let Some(file) = received.file else {
        return Err(Error::invalid(FILE, "No file was submitted."));
    };
    let announced = receive::expectation(&mut form, &[]);
    receive::compare(&mut form, &announced, &file.incoming).await?;
    if form.is_wrong() {
        form.finish()?;
    }
    let rows = ingest(&app.database, &*app.store, vec![file.incoming]).await?;
    let id = rows.first().copied().ok_or_else(Error::not_found)?;
    if let Some(identity) = identity {
        // Only who sent a file may make content of it.
        let mut transaction = app.database.write().await?;
        access::note_artifact(&mut transaction, identity.user.id, id).await?;
        transaction.commit().await?;
    }
    let artifact = {
        let mut connection = app.database.read().await?;
        pith_db::artifact::by_id(&mut connection, id).await?
    };
    let artifact = artifact.ok_or_else(Error::not_found)?;
    let href = format!(
        "{}{}/{}/",
        Root::default().path(),
        Kind::Artifact.collection(),
        artifact.uuid
    );
    Ok(Taken {
        body: Some(shown.to_string()),
        file: Some(Upload {
            name: file.name,
            artifact: href,
            sha256: hex::encode(&artifact.sha256),
            size: u64::try_from(artifact.size).unwrap_or_default(),
        }),
    })
}
