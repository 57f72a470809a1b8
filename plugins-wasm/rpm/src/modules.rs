//! Modules, their defaults and their obsoletes: documents of `modules.yaml`.

use pith_plugin_sdk::{Error, Fragment, Result, UnitDraft};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use yaml_rust2::{Yaml, YamlLoader};

use crate::{MODULEMD, MODULEMD_DEFAULTS, MODULEMD_OBSOLETE, fragments};

/// The documents of a stream, each without its markers.
pub(crate) fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        let is_marker = line == "---" || line == "..." || line.starts_with("--- ");
        if is_marker {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain(|document| {
        document
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    documents
}

/// A document as a draft, with the packages that it names; none for kinds that nobody
/// publishes.
pub(crate) fn draft(document: &str) -> Result<Option<(UnitDraft, Vec<String>)>> {
    let loaded = YamlLoader::load_from_str(document)
        .map_err(|error| Error::invalid(format!("not YAML: {error}")))?;
    let root = loaded
        .first()
        .ok_or_else(|| Error::invalid("it is empty"))?;
    let digest = hex::encode(Sha256::digest(document.as_bytes()));
    let data = &root["data"];
    let (content_type, fields, artifacts) = match root["document"].as_str() {
        Some("modulemd") => {
            let (fields, artifacts) = module(data, &digest)?;
            (MODULEMD, fields, artifacts)
        }
        Some("modulemd-defaults") => (MODULEMD_DEFAULTS, defaults(data, &digest)?, Vec::new()),
        Some("modulemd-obsoletes") => (MODULEMD_OBSOLETE, obsolete(data, &digest)?, Vec::new()),
        _ => return Ok(None),
    };
    let draft = UnitDraft {
        content_type: content_type.into(),
        fields: fields.to_string(),
        artifacts: Vec::new(),
        terms: Vec::new(),
        fragments: vec![Fragment {
            name: fragments::WHOLE.into(),
            bytes: format!("---\n{document}...\n").into_bytes(),
        }],
    };
    Ok(Some((draft, artifacts)))
}

fn module(data: &Yaml, digest: &str) -> Result<(Value, Vec<String>)> {
    let artifacts = texts(&data["artifacts"]["rpms"]);
    let mut profiles = Map::new();
    for (name, profile) in data["profiles"].as_hash().into_iter().flatten() {
        profiles.insert(
            text(name).unwrap_or_default(),
            texts(&profile["rpms"]).into(),
        );
    }
    let mut dependencies = Vec::new();
    for dependency in data["dependencies"].as_vec().into_iter().flatten() {
        let mut required = Map::new();
        for (name, streams) in dependency["requires"].as_hash().into_iter().flatten() {
            required.insert(text(name).unwrap_or_default(), texts(streams).into());
        }
        dependencies.push(Value::Object(required));
    }
    let fields = json!({
        "name": required(data, "name")?,
        "stream": required(data, "stream")?,
        "version": text(&data["version"]).unwrap_or_else(|| "0".into()),
        "static_context": data["static_context"].as_bool(),
        "context": text(&data["context"]).unwrap_or_default(),
        "arch": text(&data["arch"]).unwrap_or_default(),
        "artifacts": artifacts,
        "nevras": artifacts.iter().filter_map(|text| taken_apart(text)).collect::<Vec<_>>(),
        "dependencies": dependencies,
        "profiles": profiles,
        "description": text(&data["description"]).unwrap_or_default(),
        "digest": digest,
    });
    Ok((fields, artifacts))
}

/// `name-epoch:version-release.arch` by its parts.
fn taken_apart(nevra: &str) -> Option<Value> {
    let (rest, arch) = nevra.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    Some(json!({
        "name": name,
        "epoch": epoch,
        "version": version,
        "release": release,
        "arch": arch,
    }))
}

fn defaults(data: &Yaml, digest: &str) -> Result<Value> {
    let mut profiles = Map::new();
    for (stream, names) in data["profiles"].as_hash().into_iter().flatten() {
        profiles.insert(text(stream).unwrap_or_default(), texts(names).into());
    }
    Ok(json!({
        "module": required(data, "module")?,
        "stream": text(&data["stream"]).unwrap_or_default(),
        "profiles": profiles,
        "digest": digest,
    }))
}

fn obsolete(data: &Yaml, digest: &str) -> Result<Value> {
    let by = &data["obsoleted_by"];
    Ok(json!({
        "modified": required(data, "modified")?,
        "module_name": required(data, "module")?,
        "module_stream": required(data, "stream")?,
        "message": text(&data["message"]).unwrap_or_default(),
        "override_previous": text(&data["reset"]),
        "module_context": text(&data["context"]),
        "eol_date": text(&data["eol_date"]),
        "obsoleted_by_module_name": text(&by["module"]),
        "obsoleted_by_module_stream": text(&by["stream"]),
        "digest": digest,
    }))
}

fn required(data: &Yaml, key: &str) -> Result<String> {
    text(&data[key]).ok_or_else(|| Error::invalid(format!("it has no {key:?}")))
}

/// Streams look like numbers and are none: 1.10 is not 1.1.
fn text(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(list: &Yaml) -> Vec<String> {
    list.as_vec()
        .into_iter()
        .flatten()
        .filter_map(text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: cage\n  stream: 1.10\n  version: 20240101000000\n  context: deadbeef\n  arch: noarch\n  description: >-\n    Animals in\n    a cage\n  dependencies:\n  - requires:\n      platform: [el9]\n  profiles:\n    default:\n      rpms: [animal20]\n  artifacts:\n    rpms:\n    - animal20-0:1.0-1.noarch\n...\n---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: cage\n  stream: \"1.0\"\n  profiles:\n    1.0: [default]\n...\n---\ndocument: modulemd-obsoletes\nversion: 1\ndata:\n  modified: 2022-01-24T08:54Z\n  module: perl\n  stream: 5.30\n  message: gone\n  eol_date: 2021-06-01T00:00Z\n...\n---\ndocument: other\n...\n";

    #[test]
    fn the_packages_of_a_module_are_taken_apart() {
        let parts = json!({"name": "a-b", "epoch": "1", "version": "2.0", "release": "3.el8",
            "arch": "x86_64"});
        assert_eq!(taken_apart("a-b-1:2.0-3.el8.x86_64"), Some(parts));
        let epoch = |text| taken_apart(text).map(|parts| parts["epoch"].clone());
        assert_eq!(epoch("a-1-1.noarch"), Some("0".into()));
        assert_eq!(epoch("nothing"), None);
    }

    #[test]
    fn every_kind_of_document_is_read() {
        let documents = documents(STREAM);
        assert_eq!(documents.len(), 4);
        let drafts: Vec<_> = documents
            .iter()
            .filter_map(|document| draft(document).expect("read"))
            .collect();
        let fields = |at: usize| -> Value {
            let (draft, _) = &drafts[at];
            serde_json::from_str(&draft.fields).expect("JSON")
        };
        assert_eq!(drafts.len(), 3);
        assert_eq!(drafts[0].1, ["animal20-0:1.0-1.noarch"]);
        assert_eq!(fields(0)["stream"], "1.10");
        assert_eq!(fields(0)["version"], "20240101000000");
        assert_eq!(fields(0)["description"], "Animals in a cage");
        assert_eq!(fields(0)["dependencies"], json!([{"platform": ["el9"]}]));
        assert_eq!(fields(0)["profiles"], json!({"default": ["animal20"]}));
        assert_eq!(fields(1)["profiles"], json!({"1.0": ["default"]}));
        assert_eq!(fields(2)["module_stream"], "5.30");
        assert_eq!(fields(2)["module_context"], Value::Null);
        let whole = &drafts[1].0.fragments[0].bytes;
        assert!(whole.starts_with(b"---\ndocument: modulemd-defaults\n"));
        assert!(whole.ends_with(b"...\n"));
    }

    #[test]
    fn what_a_document_lacks_is_named() {
        let error = draft("document: modulemd\ndata: {name: x}\n").expect_err("refused");
        assert_eq!(error.to_string(), "it has no \"stream\"");
        assert!(draft("a: [").is_err());
    }
}
