//! Indexes that the plugin does not read (`productid` and others): kept as files.

use pith_plugin_sdk::{
    ArtifactDraft, Batcher, Error, Result, Source, UnitDraft, log, relative_path,
};
use serde_json::json;

use super::Upstream;
use crate::REPO_METADATA_FILE;

/// What is made anew for each publication, or is another form of it.
const OWN: &[&str] = &[
    "primary",
    "filelists",
    "other",
    "group",
    "updateinfo",
    "modules",
    // Deltas belong to packages of one upstream and are made no more.
    "prestodelta",
    "deltainfo",
    // Another form of `filelists`, without what is read from it.
    "filelists-ext",
];

fn is_own(kind: &str) -> bool {
    let plain = ["_db", "_zck", "_gz", "_xz", "_zst", "_bz2"]
        .iter()
        .find_map(|form| kind.strip_suffix(form))
        .unwrap_or(kind);
    OWN.contains(&kind) || OWN.contains(&plain)
}

/// Stages them, with their bytes: their upstream may have others tomorrow.
pub(super) fn sync(upstream: &Upstream<'_>) -> Result<()> {
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    for data in upstream.repomd.data.iter().filter(|one| !is_own(&one.kind)) {
        if let Err(error) = relative_path::check(&data.href) {
            log::warn(&format!("the index {:?} is skipped: {error}", data.kind));
            continue;
        }
        let body = upstream.fetch(data)?;
        let artifact = body.keep()?;
        let size = data
            .size
            .ok_or_else(|| Error::invalid(format!("the size of {} is not announced", data.href)))?;
        let open_checksum = data
            .open_checksum
            .as_ref()
            .map(|(kind, checksum)| format!("{kind}:{checksum}"));
        batcher.push(UnitDraft {
            content_type: REPO_METADATA_FILE.into(),
            fields: json!({
                "data_type": data.kind,
                "checksum_type": data.checksum_type,
                "checksum": data.checksum,
                "relative_path": data.href,
                "size": size,
                "open_checksum": open_checksum,
                "open_size": data.open_size,
            })
            .to_string(),
            artifacts: vec![ArtifactDraft {
                path: data.href.clone(),
                digests: Vec::new(),
                size: None,
                source: Source::Held(artifact),
            }],
            fragments: Vec::new(),
            terms: Vec::new(),
        })?;
    }
    batcher.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_anew_is_not_kept() {
        for own in [
            "primary",
            "primary_db",
            "filelists_zck",
            "group_gz",
            "modules",
        ] {
            assert!(is_own(own), "{own}");
        }
        for kept in ["productid", "appstream", "license_db_notes"] {
            assert!(!is_own(kept), "{kept}");
        }
    }
}
