//! Small RPM repositories that tests write themselves, and what they ask of mirrors of them.

use anyhow::{Context, Result, ensure};
use pith_fixture_upstream::{Upstream, sha256_hex};
use serde_json::{Value, json};

use crate::api::Api;
use crate::reply::href;
use crate::task::Task;

/// A package with bytes that are no RPM: a mirror does not look into them.
#[derive(Clone, Debug)]
pub struct RpmPackage {
    /// Its name.
    pub name: String,
    /// Its version; epoch, release and architecture are always the same.
    pub version: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Names that it requires, with a version where it has to be one or a newer one.
    pub requires: Vec<(String, Option<String>)>,
}

impl RpmPackage {
    /// A package whose bytes follow from its name and version.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            bytes: format!("{name} {version}").repeat(10).into_bytes(),
            requires: Vec::new(),
        }
    }

    /// The same, requiring `bear` or `bear >= 2`.
    #[must_use]
    pub fn requiring(mut self, needs: &[&str]) -> Self {
        let need = |need: &&str| match need.split_once(" >= ") {
            Some((name, version)) if !need.starts_with('(') => {
                (name.to_owned(), Some(version.to_owned()))
            }
            _ => ((*need).to_owned(), None),
        };
        self.requires.extend(needs.iter().map(need));
        self
    }

    fn requires(&self) -> String {
        let entry = |(name, version): &(String, Option<String>)| {
            let version = version.as_ref().map_or_else(String::new, |version| {
                format!(" flags=\"GE\" epoch=\"0\" ver=\"{version}\"")
            });
            format!("<rpm:entry name=\"{name}\"{version}/>")
        };
        let entries: String = self.requires.iter().map(entry).collect();
        if entries.is_empty() {
            return entries;
        }
        format!("<rpm:requires>{entries}</rpm:requires>\n    ")
    }

    /// The digest of the file.
    pub fn id(&self) -> String {
        sha256_hex(&self.bytes)
    }

    /// Where the upstream has the file.
    pub fn upstream_path(&self) -> String {
        format!("{}-{}.rpm", self.name, self.version)
    }

    /// Where a mirror has it.
    pub fn path(&self) -> String {
        let initial = &self.name[..1];
        format!(
            "Packages/{initial}/{}-{}-1.noarch.rpm",
            self.name, self.version
        )
    }

    /// Its element of `primary`, with its location.
    pub fn primary(&self, location: &str) -> String {
        format!(
            "<package type=\"rpm\">\n  <name>{name}</name>\n  <arch>noarch</arch>\n  \
             <version epoch=\"0\" ver=\"{version}\" rel=\"1\"/>\n  \
             <checksum type=\"sha256\" pkgid=\"YES\">{id}</checksum>\n  \
             <summary>The &lt;{name}&gt;</summary>\n  <description>One &amp; all</description>\n  \
             <packager/>\n  <url>http://example.org/</url>\n  <time file=\"2\" build=\"1\"/>\n  \
             <size package=\"{size}\" installed=\"3\" archive=\"4\"/>\n  \
             <location href=\"{location}\"/>\n  <format>\n    <rpm:license>MIT</rpm:license>\n    \
             <rpm:provides>\n      <rpm:entry name=\"{name}\" flags=\"EQ\" epoch=\"0\" ver=\"{version}\" rel=\"1\"/>\n    \
             </rpm:provides>\n    {requires}<file>/usr/bin/{name}</file>\n  </format>\n</package>\n",
            name = self.name,
            version = self.version,
            id = self.id(),
            size = self.bytes.len(),
            requires = self.requires(),
        )
    }

    fn beside(&self, inside: &str) -> String {
        format!(
            "<package pkgid=\"{}\" name=\"{}\" arch=\"noarch\">\n  \
             <version epoch=\"0\" ver=\"{}\" rel=\"1\"/>\n  {inside}\n</package>\n",
            self.id(),
            self.name,
            self.version
        )
    }

    /// Its element of `filelists`.
    pub fn filelists(&self) -> String {
        self.beside(&format!("<file>/usr/bin/{}</file>", self.name))
    }

    /// Its element of `other`.
    pub fn other(&self) -> String {
        self.beside("<changelog author=\"A &lt;a@b&gt;\" date=\"7\">- made</changelog>")
    }
}

/// A repository in the making.
#[derive(Clone, Debug, Default)]
pub struct RpmRepository {
    /// What it has.
    pub packages: Vec<RpmPackage>,
    /// Elements of `primary` as they are, after those of the packages.
    pub raw_primary: String,
    /// Further indexes: kind, name and bytes.
    pub indexes: Vec<(&'static str, &'static str, Vec<u8>)>,
    /// Further files, which no index lists.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Kinds of indexes that are listed with another checksum than they have.
    pub lies: Vec<&'static str>,
}

impl RpmRepository {
    /// These packages, each as name and version.
    pub fn of(packages: &[(&str, &str)]) -> Self {
        Self {
            packages: packages
                .iter()
                .map(|(name, version)| RpmPackage::new(name, version))
                .collect(),
            ..Self::default()
        }
    }

    /// With a further index.
    #[must_use]
    pub fn with(mut self, kind: &'static str, name: &'static str, text: &str) -> Self {
        self.indexes.push((kind, name, text.as_bytes().to_vec()));
        self
    }

    /// With a further file.
    #[must_use]
    pub fn with_file(mut self, path: &'static str, text: &str) -> Self {
        self.files.push((path, text.as_bytes().to_vec()));
        self
    }

    fn all_indexes(&self) -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let list = |root: &str, each: &dyn Fn(&RpmPackage) -> String, more: &str| {
            let elements: String = self.packages.iter().map(each).collect();
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"x\" xmlns:rpm=\"y\" \
                 packages=\"{}\">\n{elements}{more}</{root}>\n",
                self.packages.len()
            )
            .into_bytes()
        };
        let primary = |one: &RpmPackage| one.primary(&one.upstream_path());
        let mut all = vec![
            (
                "primary",
                "primary.xml",
                list("metadata", &primary, &self.raw_primary),
            ),
            (
                "filelists",
                "filelists.xml",
                list("filelists", &RpmPackage::filelists, ""),
            ),
            (
                "other",
                "other.xml",
                list("otherdata", &RpmPackage::other, ""),
            ),
        ];
        all.extend(self.indexes.iter().cloned());
        all
    }

    /// What an upstream has: the indexes, their list, further files and the packages.
    pub fn all_files(&self) -> Vec<(String, Vec<u8>)> {
        let mut repomd = String::from("<repomd xmlns=\"x\"><revision>1</revision>\n");
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for (kind, file, bytes) in self.all_indexes() {
            let told = if self.lies.contains(&kind) {
                sha256_hex(b"a lie")
            } else {
                sha256_hex(&bytes)
            };
            let entry = format!(
                "<data type=\"{kind}\"><checksum type=\"sha256\">{told}</checksum>\
                 <location href=\"repodata/{file}\"/><size>{size}</size>\
                 <open-size>{size}</open-size></data>\n",
                size = bytes.len()
            );
            repomd.push_str(&entry);
            files.push((format!("repodata/{file}"), bytes));
        }
        repomd.push_str("</repomd>\n");
        files.push(("repodata/repomd.xml".into(), repomd.into_bytes()));
        let further = self.files.iter();
        files.extend(further.map(|(path, bytes)| ((*path).to_owned(), bytes.clone())));
        for package in &self.packages {
            files.push((package.upstream_path(), package.bytes.clone()));
        }
        files
    }

    /// Holds it at an upstream; its URL.
    pub fn hold(&self, upstream: &Upstream, name: &str) -> String {
        let files = self.all_files();
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .collect();
        let url = upstream.hold(name, &files);
        url.trim_end_matches("PULP_MANIFEST").to_owned()
    }
}

/// A mirror of an upstream.
#[derive(Clone, Debug)]
pub struct RpmMirror {
    /// The repository, served below its name.
    pub repository: Value,
    /// Where it comes from.
    pub remote: Value,
}

impl Api {
    /// A repository and a remote of one name; nothing is synced yet.
    pub async fn rpm_mirror(&self, name: &str, url: &str, policy: &str) -> Result<RpmMirror> {
        let remote = json!({"name": name, "url": url, "policy": policy});
        let repository = json!({"name": name, "autopublish": true, "compression_type": "none"});
        Ok(RpmMirror {
            remote: self.create("/remotes/rpm/rpm/", remote).await?,
            repository: self.create("/repositories/rpm/rpm/", repository).await?,
        })
    }

    /// A sync, whatever its end.
    pub async fn sync_rpm(&self, mirror: &RpmMirror, mut params: Value) -> Result<Task> {
        params["remote"] = href(&mirror.remote).into();
        let path = format!("{}sync/", href(&mirror.repository));
        self.run_task(&path, params).await
    }

    /// Serves a repository below its name.
    pub async fn serve_rpm(&self, mirror: &RpmMirror) -> Result<()> {
        let name = &mirror.repository["name"];
        let settings =
            json!({"name": name, "base_path": name, "repository": href(&mirror.repository)});
        self.run_task("/distributions/rpm/rpm/", settings)
            .await?
            .completed()?;
        Ok(())
    }

    /// The units of a type in the newest version of a repository.
    pub async fn rpm_units(&self, mirror: &RpmMirror, plural: &str) -> Result<Vec<Value>> {
        let version = href(&self.latest_version(&mirror.repository).await?);
        self.list(&format!(
            "/content/rpm/{plural}/?limit=1000&repository_version={version}"
        ))
        .await
    }
}

/// The bytes of a package file with a header and no payload.
pub fn package_file(name: &str, version: &str) -> Vec<u8> {
    const STRING: u32 = 6;
    const STRINGS: u32 = 8;
    let text = |text: &str| format!("{text}\0").into_bytes();
    let mut file = vec![0xed, 0xab, 0xee, 0xdb];
    file.resize(96, 0);
    file.extend(header(&[]));
    file.extend(header(&[
        (1000, STRING, 1, text(name)),
        (1001, STRING, 1, text(version)),
        (1002, STRING, 1, text("1")),
        (1004, STRING, 1, text("One & all")),
        (1022, STRING, 1, text("noarch")),
        (1044, STRING, 1, text("source.src.rpm")),
        (1047, STRINGS, 1, text(name)),
        (1112, 4, 1, vec![0, 0, 0, 8]),
        (1113, STRINGS, 1, format!("2:{version}-1\0").into_bytes()),
        (1116, 4, 1, vec![0; 4]),
        (1117, STRINGS, 1, text("tool")),
        (1118, STRINGS, 1, text("/usr/bin/")),
    ]));
    file
}

/// A header of a package file: tag, type, count and bytes of each value.
fn header(values: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
    let (mut index, mut store): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let word = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    for (tag, kind, count, bytes) in values {
        // Numbers begin where their width asks for it.
        store.resize(store.len().next_multiple_of(4), 0);
        index.extend(tag.to_be_bytes());
        index.extend(kind.to_be_bytes());
        index.extend(word(store.len()));
        index.extend(count.to_be_bytes());
        store.extend(bytes);
    }
    let mut all = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    all.extend(word(values.len()));
    all.extend(word(store.len()));
    all.extend(index);
    all.extend(store);
    all
}

/// The path of an index of a kind that `repomd.xml` lists.
pub fn index_path(repomd: &str, kind: &str) -> Result<String> {
    let (_, rest) = repomd
        .split_once(&format!("<data type=\"{kind}\">"))
        .with_context(|| format!("no {kind} in {repomd}"))?;
    let (_, rest) = rest.split_once("href=\"").context("no location")?;
    let path = rest.split('"').next().unwrap_or_default();
    ensure!(path.starts_with("repodata/"), "{path}");
    Ok(path.to_owned())
}
