//! What comes with a request to a plugin's route.

use std::sync::Arc;

use axum::extract::Request;
use pith_model::route::RouteInput;
use pith_plugin::serve::Upload;
use serde_json::Value;

use crate::app::App;
use crate::body;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::receive;
use crate::sent::SentFile;

/// What a plugin is given of a request's body.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// JSON.
    pub(super) body: Option<String>,
    /// A file, and what the plugin is told of it.
    pub(super) file: Option<Upload>,
    pub(super) sent: Option<Arc<SentFile>>,
}

/// The part of a form that has the file.
const FILE: &str = "file";

/// Takes what a route wants.
pub(super) async fn take(app: &App, input: RouteInput, request: Request) -> Result<Taken> {
    match input {
        RouteInput::None => Ok(Taken::default()),
        RouteInput::Json => {
            let value = body::read_value(request, body::LIMIT).await?;
            Ok(Taken {
                body: Some(value.to_string()),
                ..Taken::default()
            })
        }
        RouteInput::File => file(app, request).await,
    }
}

async fn file(app: &App, request: Request) -> Result<Taken> {
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
    let (sha256, size) = (file.incoming.sha256(), file.incoming.size());
    let sent = SentFile::from(file);
    Ok(Taken {
        body: Some(shown.to_string()),
        file: Some(Upload {
            name: sent.name().to_owned(),
            artifact: sent.href().to_owned(),
            sha256: sha256.to_string(),
            size,
        }),
        sent: Some(Arc::new(sent)),
    })
}
