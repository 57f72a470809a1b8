//! A collection version: the fields of its unit, and how they are read out of its archive.

use std::collections::BTreeMap;
use std::io::Read;

use pith_plugin_sdk::{ArtifactDraft, Error, Renewal, Result, Source, UnitDraft, UnitRef};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::archive::{self, Gatherer};
use crate::contents::{self, Content, Contents};
use crate::manifest::{FILES, Files, Information, MANIFEST, Manifest};
use crate::{COLLECTION_VERSION, documents, name, version};

/// What `MANIFEST.json` may have: names and some text.
const MAX_MANIFEST: u64 = 1 << 20;

/// What `FILES.json` may have: some 200 bytes for each of as many members as there may be.
const MAX_FILES: u64 = 32 << 20;

/// What a document may have, and all of them together; others are left out.
const MAX_DOCUMENT: u64 = 1 << 20;
const MAX_DOCUMENTS: u64 = 8 << 20;

/// How much of a plugin's file is searched for what it says of itself.
const BEGINNING: usize = 64 << 10;

/// Where a collection says which Ansible it needs.
const RUNTIME: &str = "meta/runtime.yml";

/// The fields of a unit.
#[derive(Debug, Serialize)]
pub(crate) struct CollectionVersion {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Sorts as versions do.
    pub(crate) version_order: String,
    /// Sorts as versions do, releases last.
    pub(crate) precedence: String,
    /// Of the archive.
    pub(crate) sha256: String,
    /// Of the archive, in bytes.
    pub(crate) size: u64,
    pub(crate) authors: Vec<String>,
    pub(crate) contents: Box<RawValue>,
    pub(crate) dependencies: BTreeMap<String, String>,
    pub(crate) description: String,
    pub(crate) docs_blob: Box<RawValue>,
    pub(crate) manifest: Box<RawValue>,
    pub(crate) files: Box<RawValue>,
    pub(crate) documentation: String,
    pub(crate) homepage: String,
    pub(crate) issues: String,
    pub(crate) license: Vec<String>,
    /// Not `repository`: that is where an upload goes.
    pub(crate) origin_repository: String,
    pub(crate) tags: Vec<Tag>,
    pub(crate) requires_ansible: Option<String>,
}

/// A word that a collection is found by.
#[derive(Debug, Serialize)]
pub(crate) struct Tag {
    name: String,
}

impl Tag {
    /// The word.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// What of a collection is not in what it says of itself.
pub(crate) struct Rest {
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) contents: Box<RawValue>,
    pub(crate) docs_blob: Box<RawValue>,
    pub(crate) manifest: Box<RawValue>,
    pub(crate) files: Box<RawValue>,
    pub(crate) requires_ansible: Option<String>,
}

impl CollectionVersion {
    /// Joins what a collection says of itself, which was checked, with the rest.
    pub(crate) fn new(info: Information, rest: Rest) -> Result<Self> {
        let version = info.semantic_version()?;
        let version_order = version::order(&version);
        let is_release = version.pre.is_empty();
        let tags = info.tags.unwrap_or_default();
        Ok(Self {
            namespace: info.namespace,
            name: info.name,
            version: info.version,
            precedence: format!("{}{version_order}", u8::from(is_release)),
            version_order,
            sha256: rest.sha256,
            size: rest.size,
            authors: info.authors.unwrap_or_default(),
            contents: rest.contents,
            dependencies: info.dependencies.unwrap_or_default(),
            description: info.description.unwrap_or_default(),
            docs_blob: rest.docs_blob,
            manifest: rest.manifest,
            files: rest.files,
            documentation: info.documentation.unwrap_or_default(),
            homepage: info.homepage.unwrap_or_default(),
            issues: info.issues.unwrap_or_default(),
            license: info.license.unwrap_or_default(),
            origin_repository: info.repository.unwrap_or_default(),
            tags: tags.into_iter().map(|name| Tag { name }).collect(),
            requires_ansible: rest.requires_ansible,
        })
    }

    /// What its archive is called.
    pub(crate) fn file_name(&self) -> String {
        name::of_file(&self.namespace, &self.name, &self.version)
    }

    /// The draft of its unit.
    pub(crate) fn draft(&self, source: Source) -> Result<UnitDraft> {
        Ok(UnitDraft {
            content_type: COLLECTION_VERSION.into(),
            fields: serde_json::to_string(self).map_err(|error| no_json(&error))?,
            artifacts: vec![ArtifactDraft {
                path: self.file_name(),
                digests: vec![format!("sha256:{}", self.sha256)],
                size: Some(self.size),
                source,
            }],
            fragments: Vec::new(),
            terms: self.terms(),
        })
    }

    /// The same for its unit, which is there.
    pub(crate) fn renewal(&self, unit: UnitRef) -> Result<Renewal> {
        Ok(Renewal {
            unit,
            content_type: COLLECTION_VERSION.into(),
            fields: serde_json::to_string(self).map_err(|error| no_json(&error))?,
            fragments: Vec::new(),
            terms: self.terms(),
        })
    }

    /// The names of what it brings.
    pub(crate) fn content_names(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Content {
            #[serde(default)]
            name: String,
        }
        // What an upstream sends may be anything: without names nothing is found by them.
        let contents: Vec<Content> = serde_json::from_str(self.contents.get()).unwrap_or_default();
        contents.into_iter().map(|content| content.name).collect()
    }
}

/// A document, rendered.
#[derive(Debug, Serialize)]
struct Document {
    name: String,
    html: String,
}

/// What is shown of a collection's documentation.
#[derive(Debug, Serialize)]
struct DocsBlob {
    collection_readme: Document,
    documentation_files: Vec<Document>,
    contents: Vec<ContentDocument>,
}

#[derive(Debug, Serialize)]
struct ContentDocument {
    content_name: String,
    content_type: String,
    /// Made by running Ansible, which no server should do with what it was sent.
    doc_strings: Option<()>,
    readme_file: Option<String>,
    readme_html: Option<String>,
}

/// Reads and checks the archive of a collection, of `size` bytes; `report` is told how many
/// members were read.
pub(crate) fn read(
    packed: impl Read,
    size: u64,
    sha256: String,
    report: impl FnMut(usize),
) -> Result<CollectionVersion> {
    let mut import = Import {
        manifest: None,
        files: None,
        runtime: String::new(),
        contents: Contents::default(),
        documents: BTreeMap::new(),
        documents_size: 0,
        report,
    };
    let members = archive::read(packed, size, &mut import)?;
    (import.report)(members.len());
    let missing = |name| Error::invalid(format!("the archive has no file {name}"));
    let manifest_text = import.manifest.take().ok_or_else(|| missing(MANIFEST))?;
    let files_text = import.files.take().ok_or_else(|| missing(FILES))?;
    let manifest = Manifest::parse(&manifest_text)?;
    manifest.check_files(&members)?;
    Files::parse(&files_text)?.check(&members)?;
    let contents = import.contents.list();
    let info = manifest.collection_info;
    let docs_blob = docs_blob(&info, &contents, &import.documents);
    let raw = |text| RawValue::from_string(text).map_err(|error| no_json(&error));
    CollectionVersion::new(
        info,
        Rest {
            sha256,
            size,
            contents: to_raw_value(&contents).map_err(|error| no_json(&error))?,
            docs_blob: to_raw_value(&docs_blob).map_err(|error| no_json(&error))?,
            manifest: raw(manifest_text)?,
            files: raw(files_text)?,
            requires_ansible: contents::value_of(&import.runtime, "requires_ansible"),
        },
    )
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::internal(format!("a collection's fields are no JSON: {error}"))
}

fn docs_blob(
    info: &Information,
    contents: &[Content],
    documents: &BTreeMap<String, String>,
) -> DocsBlob {
    let readme = info.readme.as_deref().unwrap_or("README.md");
    let render = |name: &str| {
        documents
            .get(name)
            .map(|text| documents::html(name, text))
            .unwrap_or_default()
    };
    let below_docs = documents
        .keys()
        .filter_map(|path| path.strip_prefix("docs/"));
    DocsBlob {
        collection_readme: Document {
            name: readme.to_owned(),
            html: render(readme),
        },
        documentation_files: below_docs
            .map(|name| Document {
                name: name.to_owned(),
                html: render(&format!("docs/{name}")),
            })
            .collect(),
        contents: contents
            .iter()
            .map(|content| {
                let readme = format!("roles/{}/README.md", content.name);
                let has = content.kind == "role" && documents.contains_key(&readme);
                ContentDocument {
                    content_name: content.name.clone(),
                    content_type: content.kind.clone(),
                    doc_strings: None,
                    readme_file: has.then(|| "README.md".to_owned()),
                    readme_html: has.then(|| render(&readme)),
                }
            })
            .collect(),
    }
}

/// What is gathered while an archive is read.
struct Import<F> {
    manifest: Option<String>,
    files: Option<String>,
    runtime: String,
    contents: Contents,
    documents: BTreeMap<String, String>,
    documents_size: u64,
    report: F,
}

/// How many members are read between two reports.
const REPORT_EVERY: usize = 500;

impl<F: FnMut(usize)> Gatherer for Import<F> {
    fn wanted(&mut self, path: &str, size: u64) -> Result<usize> {
        let most = match path {
            MANIFEST => MAX_MANIFEST,
            FILES => MAX_FILES,
            RUNTIME => MAX_DOCUMENT,
            _ if is_document(path) => {
                let fits = size <= MAX_DOCUMENT && self.documents_size + size <= MAX_DOCUMENTS;
                if fits {
                    self.documents_size += size;
                }
                return Ok(if fits { bytes(size) } else { 0 });
            }
            _ => {
                return Ok(if self.contents.see(path) {
                    BEGINNING
                } else {
                    0
                });
            }
        };
        if size > most {
            return Err(Error::limit(format!(
                "{path} in the archive has {size} bytes; at most {most} are taken"
            )));
        }
        Ok(bytes(size).max(1))
    }

    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<()> {
        match path {
            MANIFEST => self.manifest = Some(utf8(path, bytes)?),
            FILES => self.files = Some(utf8(path, bytes)?),
            RUNTIME => self.runtime = utf8(path, bytes)?,
            _ if is_document(path) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.documents.insert(path.to_owned(), text);
            }
            _ => self.contents.describe(path, &bytes),
        }
        Ok(())
    }

    fn passed(&mut self, members: usize) {
        if members.is_multiple_of(REPORT_EVERY) {
            (self.report)(members);
        }
    }
}

/// Whether a file is a document of the collection, its documentation or a role.
fn is_document(path: &str) -> bool {
    match path.rsplit_once('/') {
        None => path.to_ascii_uppercase().starts_with("README"),
        Some((folder, file)) => {
            let is_markdown = documents::is_markdown(file);
            let of_role = || {
                let name = folder.strip_prefix("roles/");
                file == "README.md" && name.is_some_and(|name| !name.contains('/'))
            };
            is_markdown && (folder == "docs" || folder.starts_with("docs/") || of_role())
        }
    }
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn utf8(path: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| Error::invalid(format!("{path} in the archive is not UTF-8 text")))
}

#[cfg(test)]
mod tests;
