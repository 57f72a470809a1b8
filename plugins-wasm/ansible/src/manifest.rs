//! `MANIFEST.json` and `FILES.json`: what a collection says of itself, and of its files.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

use pith_plugin_sdk::{Error, Result};
use semver::Version;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::archive::{self, Digest, MAX_MEMBERS, Member, Members, refused};
use crate::range::Range;
use crate::{name, version};

/// Where they are.
pub(crate) const MANIFEST: &str = "MANIFEST.json";
pub(crate) const FILES: &str = "FILES.json";

/// As many as Galaxy allows.
const MAX_TAGS: usize = 20;

/// The whole of `MANIFEST.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    /// What is said of the collection.
    pub(crate) collection_info: Information,
    file_manifest_file: ManifestFile,
}

/// What a collection says of itself. What is missing or null counts as empty.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Information {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) readme: Option<String>,
    #[serde(default)]
    pub(crate) authors: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) license: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) dependencies: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) repository: Option<String>,
    #[serde(default)]
    pub(crate) documentation: Option<String>,
    #[serde(default)]
    pub(crate) homepage: Option<String>,
    #[serde(default)]
    pub(crate) issues: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ManifestFile {
    name: String,
    chksum_type: String,
    chksum_sha256: String,
}

/// The whole of `FILES.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Files {
    #[serde(deserialize_with = "bounded")]
    files: Vec<Listed>,
}

/// Reads no more entries than there may be members, and the root.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Listed>, D::Error> {
    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Vec<Listed>;

        fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of files")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Listed>, A::Error> {
            let mut files = Vec::new();
            while let Some(file) = list.next_element()? {
                if files.len() > MAX_MEMBERS {
                    let message = format!("it lists more than {MAX_MEMBERS} files");
                    return Err(A::Error::custom(message));
                }
                files.push(file);
            }
            Ok(files)
        }
    }

    deserializer.deserialize_seq(List)
}

#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    ftype: String,
    #[serde(default)]
    chksum_type: Option<String>,
    #[serde(default)]
    chksum_sha256: Option<String>,
}

impl Manifest {
    /// Reads and checks it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let manifest: Self = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("{MANIFEST} is wrong: {error}")))?;
        manifest.collection_info.check()?;
        Ok(manifest)
    }

    /// Compares the digest of `FILES.json` with what the manifest says.
    pub(crate) fn check_files(&self, members: &Members) -> Result<()> {
        let listed = &self.file_manifest_file;
        if listed.name != FILES || listed.chksum_type != "sha256" {
            return Err(Error::invalid(format!(
                "file_manifest_file in {MANIFEST} must name {FILES} with a chksum_sha256"
            )));
        }
        match members.get(FILES) {
            Some(Member::File(digest)) if is_digest(&listed.chksum_sha256, digest) => Ok(()),
            Some(Member::File(digest)) => Err(refused(
                FILES,
                &format!(
                    "has the SHA-256 {}, but {MANIFEST} says {}",
                    hex::encode(digest),
                    shortened(&listed.chksum_sha256)
                ),
            )),
            _ => Err(Error::invalid(format!("the archive has no file {FILES}"))),
        }
    }
}

impl Information {
    /// Refuses what no client could install.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |field: &str, problem: String| {
            Err(Error::invalid(format!(
                "collection_info.{field} in {MANIFEST}: {problem}"
            )))
        };
        for (field, text) in [("namespace", &self.namespace), ("name", &self.name)] {
            if let Some(problem) = name::problem(text) {
                return wrong(field, problem);
            }
        }
        if let Err(problem) = version::parse(&self.version) {
            return wrong("version", problem);
        }
        for (dependency, range) in self.dependencies.iter().flatten() {
            match name::split(dependency) {
                Err(problem) => return wrong("dependencies", problem),
                Ok(itself) if itself == (&self.namespace, &self.name) => {
                    return wrong(
                        "dependencies",
                        "a collection cannot depend on itself".into(),
                    );
                }
                Ok(_) => {}
            }
            if let Err(problem) = Range::parse(range) {
                return wrong("dependencies", format!("{dependency}: {problem}"));
            }
        }
        if self.tags.as_ref().is_some_and(|tags| tags.len() > MAX_TAGS) {
            return wrong("tags", format!("at most {MAX_TAGS} tags are allowed"));
        }
        Ok(())
    }

    /// Its version, which was checked.
    pub(crate) fn semantic_version(&self) -> Result<Version> {
        version::parse(&self.version).map_err(Error::invalid)
    }
}

impl Files {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("{FILES} is wrong: {error}")))
    }

    /// Compares what is listed with what is there: nothing may be missing, other, or beyond.
    pub(crate) fn check(&self, members: &Members) -> Result<()> {
        let mut listed: BTreeMap<&str, &Listed> = BTreeMap::new();
        for one in &self.files {
            if listed.insert(&one.name, one).is_some() {
                let name = shortened(&one.name);
                return Err(Error::invalid(format!("{FILES} lists {name:?} twice")));
            }
            if one.name != "." {
                one.check(members)?;
            }
        }
        for (path, member) in members {
            let is_own = path == MANIFEST || path == FILES;
            if !is_own && *member != Member::Folder && !listed.contains_key(path.as_str()) {
                return Err(refused(path, &format!("is not listed in {FILES}")));
            }
        }
        Ok(())
    }
}

impl Listed {
    fn check(&self, members: &Members) -> Result<()> {
        let name = &self.name;
        let missing = || {
            Error::invalid(format!(
                "{FILES} lists {:?}, which the archive does not have",
                shortened(name)
            ))
        };
        // A link counts as what it leads to.
        let found = match (members.get(name), archive::follow(members, name)) {
            (None, _) => return Err(missing()),
            (Some(_), None) => return Err(refused(name, "is a link to nothing")),
            (Some(_), Some(found)) => found,
        };
        match (self.ftype.as_str(), found) {
            ("dir", Member::Folder) => Ok(()),
            ("file", Member::File(digest)) => {
                let said = self.chksum_sha256.as_deref().unwrap_or_default();
                if self.chksum_type.as_deref() == Some("sha256") && is_digest(said, digest) {
                    return Ok(());
                }
                let actual = hex::encode(digest);
                let said = shortened(said);
                Err(refused(
                    name,
                    &format!("has the SHA-256 {actual}, but {FILES} says {said:?}"),
                ))
            }
            (kind, _) => Err(refused(
                name,
                &format!("is not the {:?} that {FILES} says", shortened(kind)),
            )),
        }
    }
}

fn is_digest(text: &str, digest: &Digest) -> bool {
    text.eq_ignore_ascii_case(&hex::encode(digest))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn information(change: &serde_json::Value) -> Result<()> {
        let mut info = json!({"namespace": "zoo", "name": "birds", "version": "1.0.0",
            "tags": null, "dependencies": {"zoo.base": ">=1.0.0,<2"}});
        for (key, value) in change.as_object().expect("an object") {
            info[key] = value.clone();
        }
        let text = json!({"collection_info": info, "format": 1, "file_manifest_file": {
            "name": FILES, "chksum_type": "sha256", "chksum_sha256": "00"}});
        Manifest::parse(&text.to_string()).map(drop)
    }

    #[test]
    fn what_galaxy_takes_passes() {
        assert_eq!(information(&json!({})), Ok(()));
        assert_eq!(information(&json!({"version": "1.0.0-rc.1+build"})), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (change, named) in [
            (json!({"namespace": "Zoo"}), "collection_info.namespace"),
            (json!({"name": "a-b"}), "collection_info.name"),
            (json!({"version": "1.0"}), "collection_info.version"),
            (json!({"version": 1}), "expected a string"),
            (json!({"authors": "me"}), "expected a sequence"),
            (json!({"dependencies": {"base": "*"}}), "namespace.name"),
            (json!({"dependencies": {"zoo.base": "~1"}}), "zoo.base"),
            (json!({"dependencies": {"zoo.birds": "*"}}), "itself"),
            (json!({"tags": vec!["t"; 21]}), "at most 20 tags"),
        ] {
            let error = information(&change).expect_err(named).to_string();
            assert!(error.contains(named) && error.contains(MANIFEST), "{error}");
        }
    }

    fn members() -> Members {
        Members::from([
            ("a".into(), Member::Folder),
            ("a/f".into(), Member::File([1; 32])),
            ("l".into(), Member::Link("a/f".into())),
            ("m".into(), Member::Link("gone".into())),
            ("FILES.json".into(), Member::File([2; 32])),
            ("MANIFEST.json".into(), Member::File([3; 32])),
        ])
    }

    fn check(without: &str, change: serde_json::Value) -> Result<()> {
        let mut members = members();
        if change["name"] != "m" {
            members.remove("m");
        }
        let digest = "01".repeat(32);
        let file = |name| {
            json!({"name": name, "ftype": "file", "chksum_type": "sha256",
            "chksum_sha256": digest, "format": 1})
        };
        let folder = |name| {
            json!({"name": name, "ftype": "dir", "chksum_type": null,
            "chksum_sha256": null, "format": 1})
        };
        let mut files = vec![folder("."), folder("a"), file("a/f"), file("l")];
        files.retain(|one| one["name"] != without && one["name"] != change["name"]);
        if change.is_object() {
            files.push(change);
        }
        Files::parse(&json!({"files": files, "format": 1}).to_string())?.check(&members)
    }

    #[test]
    fn files_are_those_that_are_listed() {
        assert_eq!(check("", json!(null)), Ok(()));
        let digest = "01".repeat(32);
        for (without, change, said) in [
            ("a/f", json!(null), "\"a/f\" of the archive is not listed"),
            ("l", json!(null), "\"l\" of the archive is not listed"),
            ("", json!({"name": "b", "ftype": "dir"}), "does not have"),
            (
                "",
                json!({"name": "a", "ftype": "file"}),
                "is not the \"file\"",
            ),
            (
                "",
                json!({"name": "a/f", "ftype": "file"}),
                "has the SHA-256",
            ),
            (
                "",
                json!({"name": "m", "ftype": "file", "chksum_type": "sha256",
                    "chksum_sha256": digest}),
                "a link to nothing",
            ),
        ] {
            let error = check(without, change).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_list_without_an_end_is_cut() {
        let entry = "{\"name\":\"a\",\"ftype\":\"dir\"},";
        let text = format!("{{\"files\":[{}1]}}", entry.repeat(MAX_MEMBERS + 2));
        let error = Files::parse(&text).expect_err("too many").to_string();
        assert!(error.contains("more than 100000 files"), "{error}");
    }

    #[test]
    fn the_manifest_names_the_digest_of_the_files() {
        let of = |digest: &str| {
            let text = json!({"collection_info": {"namespace": "a", "name": "b",
                "version": "1.0.0"}, "file_manifest_file": {"name": FILES,
                "chksum_type": "sha256", "chksum_sha256": digest}});
            Manifest::parse(&text.to_string())
                .expect("a manifest")
                .check_files(&members())
        };
        assert_eq!(of(&"02".repeat(32)), Ok(()));
        assert!(of(&"01".repeat(32)).is_err());
    }
}
