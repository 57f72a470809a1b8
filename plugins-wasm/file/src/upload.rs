//! Makes an uploaded file a unit.

use pith_plugin_sdk::{
    ArtifactDraft, Error, Inputs, Result, Source, Staging, Task, UnitDraft, UnitRef, Uploader,
    relative_path,
};
use serde::Deserialize;

use crate::{FILE, Fields, FilePlugin};

#[derive(Debug, Deserialize)]
struct Params {
    relative_path: String,
}

impl Uploader for FilePlugin {
    fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>> {
        let params: Params = task.params_as()?;
        relative_path::check(&params.relative_path)
            .map_err(|error| error.context("relative_path"))?;
        let count = files.count();
        if count != 1 {
            return Err(Error::invalid(format!(
                "an upload takes one file, but {count} were given"
            )));
        }
        let reader = files.open(0)?;
        let digest = reader.digest("sha256")?;
        let sha256 = digest.strip_prefix("sha256:").unwrap_or(&digest);
        let fields = Fields {
            relative_path: params.relative_path.clone(),
            sha256: sha256.to_owned(),
        };
        let draft = UnitDraft {
            content_type: FILE.into(),
            fields: fields.to_json()?,
            artifacts: vec![ArtifactDraft {
                path: params.relative_path,
                digests: vec![digest],
                size: Some(reader.size()),
                source: Source::Held(reader.artifact()),
            }],
            fragments: Vec::new(),
            terms: Vec::new(),
        };
        Ok(staging.put(&[draft])?)
    }
}
