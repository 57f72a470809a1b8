//! Changes that only RPM repositories know: pruning, and groups of an uploaded `comps.xml`.

use std::collections::HashSet;

use pith_plugin_sdk::{
    Batcher, Changer, Changes, Error, Inputs, Result, Staging, Task, TaskKind, TaskType, View, log,
};
use serde::Deserialize;
use serde_json::json;

use crate::RpmPlugin;
use crate::comps;
use crate::sync::retention::Retention;
use crate::xml::utf8;

const PRUNE: &str = "prune";
const COMPS: &str = "comps";

/// The largest known has a tenth.
const MAX_COMPS: u64 = 48 << 20;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// `rpm/prune/`
pub(crate) fn prune_type() -> TaskType {
    let params = json!({
        "type": "object",
        "x-operation": "prune_packages",
        "required": ["repo_hrefs"],
        "properties": {
            "repo_hrefs": {
                "type": "array",
                "items": { "type": "string" },
                "format": "repositories",
                "description": "The repositories; [\"*\"] for all.",
            },
            "keep_days": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 36500,
                "default": 14,
                "description": "Packages stay that came less than so many days ago, and the newest of each always.",
            },
            "dry_run": {
                "type": ["boolean", "null"],
                "default": false,
                "description": "Whether to say only how many would go; the log names them.",
            },
        },
    });
    TaskType {
        name: PRUNE.into(),
        kind: TaskKind::Change,
        title: "Prune old packages".into(),
        params: params.to_string(),
    }
}

/// `rpm/comps/`
pub(crate) fn comps_type() -> TaskType {
    let params = json!({
        "type": "object",
        "x-operation": "upload",
        "required": ["file"],
        "properties": {
            "file": {
                "type": "string",
                "format": "file",
                "description": "A comps.xml.",
            },
            "repository": {
                "type": ["string", "null"],
                "format": "repository",
                "description": "The repository that gets what the file has.",
            },
            "replace": {
                "type": ["boolean", "null"],
                "default": false,
                "description": "Whether groups and their likes go that the file does not have.",
            },
        },
    });
    TaskType {
        name: COMPS.into(),
        kind: TaskKind::Change,
        title: "Upload a comps.xml".into(),
        params: params.to_string(),
    }
}

#[derive(Debug, Deserialize)]
struct PruneParams {
    keep_days: Option<u64>,
    dry_run: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct CompsParams {
    replace: Option<bool>,
}

impl Changer for RpmPlugin {
    fn change(
        name: &str,
        task: &Task,
        files: &Inputs,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        match name {
            PRUNE => prune(task, current, next),
            COMPS => upload_comps(task, files, current, staging, next),
            other => Err(Error::internal(format!(
                "{other} is no change of this plugin"
            ))),
        }
    }
}

/// Takes out old builds that came long enough ago.
fn prune(task: &Task, current: &View, next: &Changes) -> Result<()> {
    let params: PruneParams = task.params_as()?;
    let seconds = params.keep_days.unwrap_or(14) * SECONDS_A_DAY;
    let dry_run = params.dry_run == Some(true);
    let newest = Retention::of(current, 1)?;
    let mut count = 0;
    newest.each_old(current, seconds, |names, units| {
        count += units.len() as u64;
        if dry_run {
            log::info(&format!("would be pruned: {}", names.join(", ")));
            return Ok(());
        }
        Ok(next.remove(units)?)
    })?;
    let done = if dry_run { 0 } else { count };
    let (code, message) = ("rpm.package.prune.repository", "Pruning old packages");
    task.progress(code, message, done, Some(count));
    Ok(())
}

/// Adds what a `comps.xml` has.
fn upload_comps(
    task: &Task,
    files: &Inputs,
    current: &View,
    staging: &Staging,
    next: &Changes,
) -> Result<()> {
    let params: CompsParams = task.params_as()?;
    let reader = files.open(0)?;
    let size = reader.size();
    if size > MAX_COMPS {
        return Err(Error::invalid(format!(
            "the file has {size} bytes; no comps.xml has more than {MAX_COMPS}"
        )));
    }
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let part = reader.read_at(bytes.len() as u64, 1 << 20)?;
        if part.is_empty() {
            break;
        }
        bytes.extend_from_slice(&part);
    }
    if params.replace == Some(true) {
        for kind in comps::KINDS {
            let units = current.units(kind, &[])?;
            let old = units.map(|unit| Ok(unit?.handle));
            next.remove(&old.collect::<Result<Vec<_>>>()?)?;
        }
    }
    let drafts = comps::drafts(&utf8(bytes.into())).map_err(|error| error.context("the file"))?;
    let mut batcher = Batcher::new(staging, next);
    let mut seen = HashSet::new();
    for (id, draft) in drafts {
        if seen.insert(id.clone()) {
            batcher.push(draft)?;
        } else {
            log::warn(&format!("the file has {id} twice; the first counts"));
        }
    }
    if batcher.finish()? == 0 {
        return Err(Error::invalid("the file has no group and nothing like it"));
    }
    Ok(())
}
