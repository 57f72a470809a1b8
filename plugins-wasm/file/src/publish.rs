//! Writes the manifest of a version and serves the files at their own paths.

use std::io::Write as _;

use pith_plugin_sdk::{
    Error, FileWriter, Link, Publication, Publisher, Result, Task, Unit, View, Written,
    relative_path,
};
use serde::Deserialize;

use crate::manifest::Entry;
use crate::{FILE, Fields, FilePlugin};

#[derive(Debug, Deserialize)]
struct Params {
    manifest: Option<String>,
}

impl Publisher for FilePlugin {
    fn publish(task: &Task, content: &View, publication: &Publication) -> Result<()> {
        let params: Params = task.params_as()?;
        if let Some(name) = params.manifest {
            relative_path::check(&name).map_err(|error| error.context("manifest"))?;
            let written = write_manifest(content, publication, &name)?;
            publication.link(&[Link {
                path: name,
                artifact: written.artifact,
                media_type: Some("text/plain".into()),
            }])?;
        }
        publication.pass_through();
        Ok(())
    }
}

fn write_manifest(content: &View, publication: &Publication, name: &str) -> Result<Written> {
    let mut file = FileWriter::create(publication)?;
    for unit in content.units(FILE, &["relative_path"])? {
        let entry = entry(&unit?)?;
        // At the manifest's own path clients get the manifest, so the file there is no
        // part of what is published.
        if entry.path != name {
            file.write_all(entry.to_line().as_bytes())?;
        }
    }
    file.finish()
}

fn entry(unit: &Unit) -> Result<Entry> {
    let fields: Fields = unit.fields_as()?;
    let size = unit.artifacts.first().and_then(|artifact| artifact.size);
    let size = size.ok_or_else(|| {
        Error::internal(format!(
            "the size of `{}` is unknown, so no manifest can list it",
            fields.relative_path
        ))
    })?;
    Ok(Entry {
        path: fields.relative_path,
        sha256: fields.sha256,
        size,
    })
}

#[cfg(test)]
mod tests {
    use pith_plugin_sdk::Artifact;

    use super::*;

    fn unit(size: Option<u64>) -> Unit {
        Unit {
            handle: 1,
            content_type: FILE.into(),
            fields: format!(r#"{{"relative_path":"a/b","sha256":"{}"}}"#, "0".repeat(64)),
            artifacts: vec![Artifact {
                handle: 2,
                path: "a/b".into(),
                digests: Vec::new(),
                size,
                stored: false,
            }],
        }
    }

    #[test]
    fn a_unit_becomes_a_line() {
        let entry = entry(&unit(Some(3))).expect("the size is known");
        assert_eq!(entry.to_line(), format!("a/b,{},3\n", "0".repeat(64)));
    }

    #[test]
    fn a_unit_without_a_size_is_named() {
        let error = entry(&unit(None)).expect_err("the size is unknown");
        assert_eq!(
            error.to_string(),
            "the size of `a/b` is unknown, so no manifest can list it"
        );
    }
}
