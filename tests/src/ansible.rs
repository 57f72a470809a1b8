//! Ansible collections that tests build themselves, and what they ask of repositories of them.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use pith_fixture_upstream::sha256_hex;
use serde_json::{Value, json};

use crate::api::Api;
use crate::multipart::Form;
use crate::reply::href;
use crate::task::Task;

/// A collection version in the making.
#[derive(Clone, Debug)]
pub struct Collection {
    /// Who publishes it.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it needs: names and ranges of versions.
    pub dependencies: Value,
    /// Its files, all of which are listed.
    pub files: Vec<(String, Vec<u8>)>,
    /// Members that no list has.
    pub beyond: Vec<(String, Vec<u8>)>,
}

impl Collection {
    /// A collection with a document, a module and what Ansible it needs.
    pub fn new(namespace: &str, name: &str, version: &str) -> Self {
        let file = |path: &str, text: String| (path.to_owned(), text.into_bytes());
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            dependencies: json!({}),
            files: vec![
                file("README.md", format!("# The {name}\n\nOf *{namespace}*.\n")),
                file("meta/runtime.yml", "requires_ansible: '>=2.15.0'\n".into()),
                file(
                    "plugins/modules/hoot.py",
                    format!("DOCUMENTATION = '''\nshort_description: Hoots {version}\n'''\n"),
                ),
            ],
            beyond: Vec::new(),
        }
    }

    /// With what it needs.
    #[must_use]
    pub fn needing(mut self, dependencies: Value) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// What its archive is called.
    pub fn file_name(&self) -> String {
        let Self {
            namespace,
            name,
            version,
            ..
        } = self;
        format!("{namespace}-{name}-{version}.tar.gz")
    }

    /// `FILES.json`.
    pub fn files_json(&self) -> Value {
        let mut listed = vec![json!({"name": ".", "ftype": "dir", "chksum_type": null,
            "chksum_sha256": null, "format": 1})];
        for (path, bytes) in &self.files {
            listed.push(
                json!({"name": path, "ftype": "file", "chksum_type": "sha256",
                "chksum_sha256": sha256_hex(bytes), "format": 1}),
            );
        }
        json!({"files": listed, "format": 1})
    }

    /// `MANIFEST.json`.
    pub fn manifest_json(&self) -> Value {
        let files = self.files_json().to_string();
        json!({"collection_info": {
            "namespace": self.namespace, "name": self.name, "version": self.version,
            "authors": ["Ada <ada@example.org>"], "readme": "README.md", "tags": ["zoo"],
            "description": format!("The {}", self.name), "license": ["MIT"],
            "license_file": null, "dependencies": self.dependencies,
            "repository": "https://example.org/source", "documentation": null,
            "homepage": null, "issues": null,
        }, "file_manifest_file": {"name": "FILES.json", "ftype": "file", "format": 1,
            "chksum_type": "sha256", "chksum_sha256": sha256_hex(files.as_bytes())},
        "format": 1})
    }

    /// Its archive.
    pub fn archive(&self) -> Result<Vec<u8>> {
        let manifest = self.manifest_json().to_string().into_bytes();
        let files = self.files_json().to_string().into_bytes();
        let mut tar = Vec::new();
        put(&mut tar, "MANIFEST.json", &manifest);
        put(&mut tar, "FILES.json", &files);
        for (path, bytes) in self.files.iter().chain(&self.beyond) {
            put(&mut tar, path, bytes);
        }
        tar.extend([0; 1024]);
        gzip(&tar)
    }
}

/// Compresses bytes.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Adds a file to a tar archive; its path is not looked at.
fn put(tar: &mut Vec<u8>, path: &str, bytes: &[u8]) {
    let mut head = [0_u8; 512];
    let mut write =
        |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    write(0, path);
    write(100, "0000644");
    write(108, "0000000");
    write(116, "0000000");
    write(124, &format!("{:011o}", bytes.len()));
    write(136, "00000000000");
    write(148, "        ");
    write(156, "0");
    write(257, "ustar");
    write(263, "00");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(head);
    tar.extend(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

impl Api {
    /// A repository for collections.
    pub async fn ansible_repository(&self, name: &str) -> Result<Value> {
        self.create("/repositories/ansible/ansible/", json!({"name": name}))
            .await
    }

    /// Uploads an archive below a name, whatever comes of it.
    pub async fn upload_archive(
        &self,
        file_name: &str,
        archive: &[u8],
        repository: Option<&Value>,
    ) -> Result<Task> {
        let mut form = Form::new().file("file", file_name, archive);
        if let Some(repository) = repository {
            form = form.text("repository", &href(repository));
        }
        let path = "/content/ansible/collection_versions/";
        let reply = self.post_form(path, form).await?;
        self.finish(reply).await
    }

    /// Uploads a collection; the unit that it became.
    pub async fn upload_collection(
        &self,
        collection: &Collection,
        repository: Option<&Value>,
    ) -> Result<Value> {
        let archive = collection.archive()?;
        let task = self
            .upload_archive(&collection.file_name(), &archive, repository)
            .await?
            .completed()?;
        let unit = task.created_one("/collection_versions/")?;
        self.get(&unit).await?.ok()
    }

    /// The units of a type in the newest version of a repository.
    pub async fn ansible_units(&self, repository: &Value, plural: &str) -> Result<Vec<Value>> {
        let version = href(&self.latest_version(repository).await?);
        self.list(&format!(
            "/content/ansible/{plural}/?limit=1000&repository_version={version}"
        ))
        .await
    }

    /// Serves a repository below its name.
    pub async fn serve_ansible(&self, repository: &Value) -> Result<Value> {
        let name = &repository["name"];
        let settings = json!({"name": name, "base_path": name, "repository": href(repository)});
        let task = self
            .run_task("/distributions/ansible/ansible/", settings)
            .await?
            .completed()?;
        self.get(&task.created_one("/distributions/")?).await?.ok()
    }
}
