//! A package: what the API shows of it, and the pieces of XML that indexes are made of.

use pith_plugin_sdk::{ArtifactDraft, Error, Fragment, Result, Sighting, Source, UnitDraft};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::evr::Evr;
use crate::layout::Layout;
use crate::xml::escape;
use crate::{PACKAGE, fragments, order};

/// A capability that is provided, required and so on: name, flags, epoch, version, release,
/// and whether it is needed before the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Entry(
    pub(crate) String,
    pub(crate) Option<String>,
    pub(crate) Option<String>,
    pub(crate) Option<String>,
    pub(crate) Option<String>,
    pub(crate) bool,
);

/// A file: its kind (none for an ordinary one), its folder and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File(
    pub(crate) Option<String>,
    pub(crate) String,
    pub(crate) String,
);

impl File {
    pub(crate) fn new(kind: Option<String>, path: &str) -> Self {
        let (folder, name) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
        Self(kind, folder.to_owned(), name.to_owned())
    }
}

/// An entry of the changelog: author, seconds since 1970, text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change(pub(crate) String, pub(crate) i64, pub(crate) String);

/// A package with the names that the API has for everything. What is not written is long, and
/// derived of the pieces that indexes are made of.
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) epoch: String,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) arch: String,
    #[serde(rename = "pkgId")]
    pub(crate) pkg_id: String,
    pub(crate) checksum_type: String,
    pub(crate) summary: String,
    #[serde(skip)]
    pub(crate) description: String,
    pub(crate) url: String,
    #[serde(skip)]
    pub(crate) changelogs: Vec<Change>,
    #[serde(skip)]
    pub(crate) files: Vec<File>,
    pub(crate) requires: Vec<Entry>,
    pub(crate) provides: Vec<Entry>,
    pub(crate) conflicts: Vec<Entry>,
    pub(crate) obsoletes: Vec<Entry>,
    pub(crate) suggests: Vec<Entry>,
    pub(crate) enhances: Vec<Entry>,
    pub(crate) recommends: Vec<Entry>,
    pub(crate) supplements: Vec<Entry>,
    pub(crate) location_base: String,
    pub(crate) location_href: String,
    pub(crate) rpm_buildhost: String,
    pub(crate) rpm_group: String,
    pub(crate) rpm_license: String,
    pub(crate) rpm_packager: String,
    pub(crate) rpm_sourcerpm: String,
    pub(crate) rpm_vendor: String,
    pub(crate) rpm_header_start: Option<i64>,
    pub(crate) rpm_header_end: Option<i64>,
    pub(crate) size_archive: Option<i64>,
    pub(crate) size_installed: Option<i64>,
    pub(crate) size_package: Option<i64>,
    pub(crate) time_build: Option<i64>,
    pub(crate) time_file: Option<i64>,
    pub(crate) is_modular: bool,
    /// Known of those that were read as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_keys: Option<Vec<String>>,
}

/// The pieces of a package in the indexes: `primary` around the place of its location,
/// `filelists` and `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) head: String,
    pub(crate) tail: String,
    pub(crate) filelists: String,
    pub(crate) other: String,
    /// Files of `filelists` that other packages may need.
    pub(crate) singled_out: Vec<String>,
}

/// What a name of a package or an architecture may have: it becomes a part of a path.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('.')
        && !word.contains(['/', '\\', '\0'])
        && word.len() < 512
}

impl Package {
    /// `name-epoch:version-release.arch`, as modules list it.
    pub(crate) fn nevra(&self) -> String {
        format!(
            "{}-{}:{}-{}.{}",
            self.name, self.epoch, self.version, self.release, self.arch
        )
    }

    /// Refuses what lacks the words that a package is known by.
    pub(crate) fn check(&self) -> Result<()> {
        let words = [
            ("name", &self.name),
            ("version", &self.version),
            ("release", &self.release),
            ("arch", &self.arch),
        ];
        if let Some((what, word)) = words.iter().find(|(_, word)| !is_plain(word)) {
            return Err(Error::invalid(format!("its {what} is {word:?}")));
        }
        if self.pkg_id.is_empty() || !self.pkg_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::invalid(format!("its checksum is {:?}", self.pkg_id)));
        }
        Ok(())
    }

    /// What the file is called, wherever an upstream has it: one package has one path.
    pub(crate) fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name, self.version, self.release, self.arch
        )
    }

    /// Where the file is published: `Packages/a/a-1-1.noarch.rpm`.
    pub(crate) fn path(&self) -> String {
        Layout::NestedAlphabetically.path(&self.file_name(), &self.pkg_id)
    }

    /// The digest of the file, where its kind is one that the host knows.
    pub(crate) fn digests(&self) -> Vec<String> {
        let kinds = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
        if kinds.contains(&self.checksum_type.as_str()) {
            vec![format!("{}:{}", self.checksum_type, self.pkg_id)]
        } else {
            Vec::new()
        }
    }

    fn artifact(&self, source: Source) -> ArtifactDraft {
        ArtifactDraft {
            path: self.path(),
            digests: self.digests(),
            size: self.size_package.and_then(|size| u64::try_from(size).ok()),
            source,
        }
    }

    /// The package as far as it is known by.
    pub(crate) fn sighting(&self, source: Source) -> Sighting {
        let key = json!({
            "name": self.name,
            "epoch": self.epoch,
            "version": self.version,
            "release": self.release,
            "arch": self.arch,
            "checksum_type": self.checksum_type,
            "pkgId": self.pkg_id,
        });
        Sighting {
            content_type: PACKAGE.into(),
            key: key.to_string(),
            artifacts: vec![self.artifact(source)],
        }
    }

    /// The draft of the package.
    pub(crate) fn draft(&self, pieces: Pieces, source: Source) -> Result<UnitDraft> {
        let file_name = self.file_name();
        let location = |layout: Layout| {
            let path = layout.path(&file_name, &self.pkg_id);
            let location = format!("<location href=\"{}\"/>", escape(&path));
            fragment(layout.fragment(), location)
        };
        let evr = Evr {
            epoch: self.epoch.clone(),
            version: self.version.clone(),
            release: self.release.clone(),
        };
        let stored = Stored {
            package: self,
            evr: order::of_evr(&evr),
            version_order: order::of_version(&self.version),
            release_order: order::of_version(&self.release),
        };
        let fields = serde_json::to_string(&stored)
            .map_err(|error| Error::internal(format!("a package is no JSON: {error}")))?;
        Ok(UnitDraft {
            content_type: PACKAGE.into(),
            fields,
            artifacts: vec![self.artifact(source)],
            terms: self.terms(pieces.singled_out),
            fragments: vec![
                fragment(fragments::HEAD, pieces.head),
                location(Layout::NestedAlphabetically),
                fragment(fragments::TAIL, pieces.tail),
                fragment(fragments::FILELISTS, pieces.filelists),
                fragment(fragments::OTHER, pieces.other),
                location(Layout::Flat),
                location(Layout::NestedByDigest),
            ],
        })
    }
}

/// A package with its order keys.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    package: &'a Package,
    evr: String,
    version_order: String,
    release_order: String,
}

fn fragment(name: &str, text: String) -> Fragment {
    Fragment {
        name: name.into(),
        bytes: text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        Package {
            name: "Zoo".into(),
            epoch: "0".into(),
            version: "1.0".into(),
            release: "1".into(),
            arch: "noarch".into(),
            pkg_id: "ab".repeat(32),
            checksum_type: "sha256".into(),
            size_package: Some(7),
            ..Package::default()
        }
    }

    #[test]
    fn a_draft_has_the_location_that_is_published() {
        let source = Source::Urls(vec!["http://u/x".into()]);
        let draft = package().draft(Pieces::default(), source).expect("a draft");
        assert_eq!(draft.artifacts[0].path, "Packages/z/Zoo-1.0-1.noarch.rpm");
        assert_eq!(draft.artifacts[0].size, Some(7));
        assert_eq!(
            draft.fragments[1].bytes,
            b"<location href=\"Packages/z/Zoo-1.0-1.noarch.rpm\"/>"
        );
        assert_eq!(package().nevra(), "Zoo-0:1.0-1.noarch");
    }

    #[test]
    fn words_that_are_no_part_of_a_path_are_refused() {
        assert!(package().check().is_ok());
        for wrong in ["", "a/b", ".."] {
            let package = Package {
                version: wrong.into(),
                ..package()
            };
            let error = package.check().expect_err("refused").to_string();
            assert_eq!(error, format!("its version is {wrong:?}"));
        }
    }

    #[test]
    fn a_file_is_cut_at_its_last_slash() {
        assert_eq!(
            File::new(None, "/a/b"),
            File(None, "/a/".into(), "b".into())
        );
        assert_eq!(File::new(None, "x"), File(None, String::new(), "x".into()));
    }
}
