//! Signing by the server: each chosen collection version gets a signature of its
//! `MANIFEST.json`.

use std::collections::HashSet;

use pith_plugin_sdk::{Changes, Result, Staging, StoredReader, Task, TaskType, Unit, View};
use serde::Deserialize;
use serde_json::json;

use crate::chosen::{self, Fields, fields_of};
use crate::signature::Signature;
use crate::{COLLECTION_SIGNATURE, archive, manifest};

/// `repositories/ansible/ansible/<id>/sign/`
pub(crate) const SIGNATURES: &str = "signatures";

/// The words for progress.
const SIGNING: (&str, &str) = ("sign.signature", "Signing CollectionVersion");

/// What signing takes.
pub(crate) fn task_type() -> TaskType {
    let params = json!({
        "required": ["repository", "content_units", "signing_service"],
        "properties": {
            "repository": chosen::repository(),
            "content_units": chosen::versions(),
            "signing_service": {
                "type": "string",
                "format": "signing-service",
                "description": "Who signs.",
            },
        },
    });
    chosen::action(SIGNATURES, "sign", "Sign collections", params)
}

#[derive(Debug, Deserialize)]
struct Params {
    signing_service: String,
}

/// What is signed already: the archive, and the key.
#[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
struct Known {
    sha256: String,
    pubkey_fingerprint: String,
}

/// Signs what was chosen and is not signed by the same key.
pub(crate) fn sign(task: &Task, current: &View, staging: &Staging, next: &Changes) -> Result<()> {
    let params: Params = task.params_as()?;
    let mut known: HashSet<Known> = HashSet::new();
    for unit in current.units(COLLECTION_SIGNATURE, &[])? {
        known.insert(fields_of(&unit?)?);
    }
    let mut done = 0;
    task.progress(SIGNING.0, SIGNING.1, done, None);
    chosen::each(current, |units| {
        let mut drafts = Vec::new();
        for unit in units {
            let fields: Fields = fields_of(unit)?;
            let of = [
                fields.namespace.as_str(),
                &fields.name,
                &fields.version,
                &fields.sha256,
            ];
            let signed = manifest_of(current, unit).map_err(|error| {
                let [namespace, name, version, _] = of;
                error.context(format!("{namespace}.{name} {version}"))
            })?;
            let data = task.sign(&signed, manifest::MANIFEST, &params.signing_service)?;
            let signature = Signature::by_service(of, &data, &params.signing_service)?;
            let is_new = known.insert(Known {
                sha256: fields.sha256.clone(),
                pubkey_fingerprint: signature.pubkey_fingerprint.clone(),
            });
            if is_new {
                drafts.push(signature.draft()?);
            }
            done += 1;
        }
        next.add(&staging.put(&drafts)?)?;
        task.progress(SIGNING.0, SIGNING.1, done, None);
        Ok(())
    })?;
    task.progress(SIGNING.0, SIGNING.1, done, Some(done));
    Ok(())
}

/// `MANIFEST.json` as it stands in the archive.
fn manifest_of(view: &View, unit: &Unit) -> Result<Vec<u8>> {
    let reader = chosen::archive(view, unit, "signed")?;
    let size = reader.size();
    archive::file(StoredReader::new(&reader), size, manifest::MANIFEST)
}
