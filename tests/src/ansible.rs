//! Ansible collections that tests build themselves, and what they ask of repositories of them.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use pith_fixture_upstream::{Upstream, sha256_hex};
use serde_json::{Value, json};

use crate::api::Api;
use crate::multipart::Form;
use crate::reply::{href, text};
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
    /// Members that are links: the type's letter, the path, and where it leads.
    pub links: Vec<(char, String, String)>,
    /// What its lists say in place of the truth, text by text.
    pub lies: Vec<(String, String)>,
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
            links: Vec::new(),
            lies: Vec::new(),
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
        let mut manifest = self.manifest_json().to_string();
        let mut files = self.files_json().to_string();
        for (truth, lie) in &self.lies {
            let true_digest = sha256_hex(files.as_bytes());
            files = files.replace(truth, lie);
            manifest = manifest.replace(truth, lie);
            // Of what the list says now.
            manifest = manifest.replace(&true_digest, &sha256_hex(files.as_bytes()));
        }
        let mut tar = Vec::new();
        put(&mut tar, "MANIFEST.json", manifest.as_bytes());
        put(&mut tar, "FILES.json", files.as_bytes());
        for (path, bytes) in self.files.iter().chain(&self.beyond) {
            put(&mut tar, path, bytes);
        }
        for (kind, path, target) in &self.links {
            put_member(&mut tar, (*kind, target), path, b"");
        }
        tar.extend([0; 1024]);
        gzip(&tar)
    }
}

/// An archive of files.
pub fn archive_of(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    for (path, bytes) in files {
        put(&mut tar, path, bytes);
    }
    tar.extend([0; 1024]);
    gzip(&tar)
}

/// Compresses bytes.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Adds a file to a tar archive; its path is not looked at.
fn put(tar: &mut Vec<u8>, path: &str, bytes: &[u8]) {
    put_member(tar, ('0', ""), path, bytes);
}

/// The same for any type of member, which may lead to another.
fn put_member(tar: &mut Vec<u8>, (kind, target): (char, &str), path: &str, bytes: &[u8]) {
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
    write(156, kind.encode_utf8(&mut [0; 4]));
    write(157, target);
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

/// A Galaxy server in the making, as files of an upstream.
#[derive(Clone, Debug, Default)]
pub struct GalaxyServer {
    /// What it has.
    pub collections: Vec<Collection>,
    /// Full names of those that nobody should use.
    pub deprecated: Vec<&'static str>,
    /// Armored signatures of every version.
    pub signatures: Vec<String>,
    /// What namespaces say of themselves.
    pub namespaces: Vec<Value>,
    /// When its content last changed.
    pub published: &'static str,
    /// Further files, in place of those at their paths.
    pub others: Vec<(String, Value)>,
}

impl GalaxyServer {
    /// A server with these versions of collections.
    pub fn of(collections: Vec<Collection>) -> Self {
        Self {
            collections,
            published: "2024-01-01T00:00:00.000000Z",
            ..Self::default()
        }
    }

    /// Holds it at an upstream; the address of its API.
    pub fn hold(&self, upstream: &Upstream, name: &str) -> Result<String> {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let mut put = |path: String, value: &Value| {
            files.push((format!("api/{path}"), value.to_string().into_bytes()));
        };
        put(String::new(), &json!({"available_versions": {"v3": "v3/"}}));
        put("v3/".into(), &json!({"published": self.published}));
        let mut names: Vec<(&str, &str)> = Vec::new();
        for one in &self.collections {
            let name = (one.namespace.as_str(), one.name.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut list = Vec::new();
        for (namespace, collection) in names {
            let is_of = |one: &&Collection| one.namespace == namespace && one.name == collection;
            let versions: Vec<&Collection> = self.collections.iter().filter(is_of).collect();
            let item = self.item(namespace, collection, &versions);
            let folder = format!("v3/collections/{namespace}/{collection}/");
            put(folder.clone(), &item);
            list.push(item);
            // In pages of one.
            for (at, one) in versions.iter().enumerate() {
                let page = |at: usize| match at {
                    0 => format!("{folder}versions/"),
                    other => format!("{folder}versions/page-{other}"),
                };
                let next =
                    (at + 1 < versions.len()).then(|| format!("/held/{name}/api/{}", page(at + 1)));
                let data = json!([{"version": one.version}]);
                put(page(at), &json!({"data": data, "links": {"next": next}}));
                let place = format!("{folder}versions/{}/", one.version);
                put(place.clone(), &self.detail_of(one, name)?);
                let docs = json!({"docs_blob": {"collection_readme": {"html": one.version}}});
                put(format!("{place}docs-blob/"), &docs);
            }
        }
        put(
            "v3/collections/".into(),
            &json!({"data": list, "links": {"next": null}}),
        );
        for one in &self.namespaces {
            put(format!("v3/namespaces/{}/", text(&one["name"])), one);
        }
        for (path, value) in &self.others {
            put(path.clone(), value);
        }
        for one in &self.collections {
            files.push((format!("files/{}", one.file_name()), one.archive()?));
        }
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .collect();
        let url = upstream.hold(name, &files);
        Ok(format!("{}api/", url.trim_end_matches("PULP_MANIFEST")))
    }

    fn item(&self, namespace: &str, name: &str, versions: &[&Collection]) -> Value {
        let full_name = format!("{namespace}.{name}");
        json!({
            "namespace": namespace, "name": name, "updated_at": self.published,
            "deprecated": self.deprecated.contains(&full_name.as_str()),
            "highest_version": versions.last().map(|one| json!({"version": one.version})),
        })
    }

    /// What it says of a version; `held` is the name it is held by.
    pub fn detail_of(&self, one: &Collection, held: &str) -> Result<Value> {
        let archive = one.archive()?;
        let info = &one.manifest_json()["collection_info"];
        let mut metadata = info.clone();
        metadata["contents"] = json!([{"name": "hoot", "content_type": "module"}]);
        let signatures: Vec<Value> = self
            .signatures
            .iter()
            .map(|text| json!({"signature": text, "pubkey_fingerprint": "", "signing_service": null}))
            .collect();
        let mut namespaces = self.namespaces.iter();
        let namespace = namespaces.find(|namespace| namespace["name"] == one.namespace.as_str());
        let digest = namespace.map(|namespace| &namespace["metadata_sha256"]);
        Ok(json!({
            "version": one.version, "name": one.name, "requires_ansible": ">=2.15.0",
            "namespace": {"name": one.namespace, "metadata_sha256": digest},
            "collection": {"name": one.name}, "metadata": metadata, "signatures": signatures,
            "artifact": {"filename": one.file_name(), "sha256": sha256_hex(&archive),
                "size": archive.len()},
            "download_url": format!("/held/{held}/files/{}", one.file_name()),
            "manifest": one.manifest_json(), "files": one.files_json(),
        }))
    }
}

/// A repository and the remote that it is a mirror of.
#[derive(Clone, Debug)]
pub struct AnsibleMirror {
    /// The repository.
    pub repository: Value,
    /// Where it comes from.
    pub remote: Value,
}

impl Api {
    /// A repository and a remote of one name; nothing is synced yet.
    pub async fn ansible_mirror(
        &self,
        name: &str,
        url: &str,
        mut settings: Value,
    ) -> Result<AnsibleMirror> {
        settings["name"] = name.into();
        settings["url"] = url.into();
        Ok(AnsibleMirror {
            remote: self
                .create("/remotes/ansible/collection/", settings)
                .await?,
            repository: self.ansible_repository(name).await?,
        })
    }

    /// A sync, whatever its end.
    pub async fn sync_ansible(&self, mirror: &AnsibleMirror, mut params: Value) -> Result<Task> {
        params["remote"] = href(&mirror.remote).into();
        let path = format!("{}sync/", href(&mirror.repository));
        self.run_task(&path, params).await
    }

    /// Full names and versions of a repository's collections, sorted.
    pub async fn collections_of(&self, repository: &Value) -> Result<Vec<String>> {
        let units = self
            .ansible_units(repository, "collection_versions")
            .await?;
        let mut names: Vec<String> = units
            .iter()
            .map(|unit| {
                let word = |field: &str| text(&unit[field]).to_owned();
                format!("{}.{} {}", word("namespace"), word("name"), word("version"))
            })
            .collect();
        names.sort();
        Ok(names)
    }
}
