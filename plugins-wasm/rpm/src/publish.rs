//! Writes the indexes of a version: spliced of what was kept beside its units.

use std::io::Write as _;

use pith_plugin_sdk::{
    Codec, Encoding, Error, FileWriter, Link, Publication, Publisher, Query, Result, Strand, Task,
    UnitLink, View, Written,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::layout::Layout;
use crate::repomd::{self, Data, Repomd};
use crate::{
    ADVISORY, DISTRIBUTION_TREE, MODULEMD, MODULEMD_DEFAULTS, MODULEMD_OBSOLETE, PACKAGE,
    REPO_METADATA_FILE, RpmPlugin, client_config, comps, fragments,
};

#[derive(Debug, Deserialize)]
struct Params {
    checksum_type: Option<String>,
    compression_type: Option<String>,
    layout: Option<String>,
    metadata_signing_service: Option<String>,
    #[serde(default)]
    repo_config: Map<String, Value>,
}

/// Links that go to the host together.
const TOGETHER: usize = 1_000;

/// The order of packages: of everything they are known by, so that the same packages give
/// the same bytes on every server.
const ORDER: &[&str] = &["name", "epoch", "version", "release", "arch", "pkgId"];

/// How the files of one publication are written.
struct Indexes<'a> {
    content: &'a View,
    publication: &'a Publication,
    checksum_type: String,
    encoding: Encoding,
    layout: Layout,
    /// `.gz`
    suffix: &'static str,
    repomd: Repomd,
}

impl Publisher for RpmPlugin {
    fn publish(task: &Task, content: &View, publication: &Publication) -> Result<()> {
        let params: Params = task.params_as()?;
        let checksum_type = params.checksum_type.unwrap_or("sha256".into());
        let (codec, suffix) = match params.compression_type.as_deref() {
            Some("zstd") => (Codec::Zstd, ".zst"),
            Some("none") => (Codec::Identity, ""),
            _ => (Codec::Gzip, ".gz"),
        };
        let mut indexes = Indexes {
            content,
            publication,
            encoding: Encoding {
                codec,
                digests: vec![checksum_type.clone()],
            },
            checksum_type,
            layout: Layout::of(params.layout.as_deref()),
            suffix,
            repomd: Repomd {
                revision: content.number().to_string(),
                data: Vec::new(),
            },
        };
        indexes.write_packages()?;
        indexes.write_advisories()?;
        indexes.write_comps()?;
        indexes.write_modules()?;
        indexes.link_extra()?;
        let signing_service = params.metadata_signing_service.as_deref();
        indexes.write_repomd(signing_service)?;
        let has_key = signing_service.is_some();
        publication.fill(&client_config::template(&params.repo_config, has_key))?;
        if indexes.layout == Layout::NestedAlphabetically {
            publication.pass_through();
        } else {
            indexes.link_packages()?;
        }
        Ok(())
    }
}

fn query(content_type: &str, order: &[&str]) -> Query {
    Query {
        content_type: content_type.into(),
        order_by: order.iter().map(|&field| field.to_owned()).collect(),
    }
}

impl Indexes<'_> {
    fn write_packages(&mut self) -> Result<()> {
        let count = self.content.count(PACKAGE)?;
        let strand = |root: &str, namespaces: &str, pieces: &[&str]| {
            Strand {
            header: format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} {namespaces} packages=\"{count}\">\n"
            )
            .into_bytes(),
            fragments: pieces.iter().map(|&piece| piece.to_owned()).collect(),
            footer: format!("</{root}>\n").into_bytes(),
            encoding: self.encoding.clone(),
        }
        };
        let strands = [
            strand(
                "metadata",
                "xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
                &[fragments::HEAD, self.layout.fragment(), fragments::TAIL],
            ),
            strand(
                "filelists",
                "xmlns=\"http://linux.duke.edu/metadata/filelists\"",
                &[fragments::FILELISTS],
            ),
            strand(
                "otherdata",
                "xmlns=\"http://linux.duke.edu/metadata/other\"",
                &[fragments::OTHER],
            ),
        ];
        let written = self
            .publication
            .splice(self.content, &query(PACKAGE, ORDER), &strands)?;
        let kinds = ["primary", "filelists", "other"];
        for (kind, written) in kinds.into_iter().zip(written) {
            self.list(kind, &format!("{kind}.xml"), &written)?;
        }
        Ok(())
    }

    fn write_advisories(&mut self) -> Result<()> {
        self.write_parts(
            "updateinfo",
            "updateinfo.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n",
            &[(ADVISORY, &["id", "digest"])],
            "</updates>\n",
        )
    }

    fn write_comps(&mut self) -> Result<()> {
        let parts = comps::KINDS.map(|kind| (kind, comps::order(kind)));
        self.write_parts(
            "group",
            "comps.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n\
             <comps>\n",
            &parts,
            "</comps>\n",
        )
    }

    fn write_modules(&mut self) -> Result<()> {
        let parts: [(&str, &[&str]); 3] = [
            (
                MODULEMD,
                &["name", "stream", "version", "context", "arch", "digest"],
            ),
            (MODULEMD_DEFAULTS, &["module", "digest"]),
            (
                MODULEMD_OBSOLETE,
                &["module_name", "module_stream", "modified", "digest"],
            ),
        ];
        self.write_parts("modules", "modules.yaml", "", &parts, "")
    }

    /// An index of whole elements of these types; none where the version has none of them.
    fn write_parts(
        &mut self,
        kind: &str,
        name: &str,
        header: &str,
        parts: &[(&str, &[&str])],
        footer: &str,
    ) -> Result<()> {
        let mut count = 0;
        for (content_type, _) in parts {
            count += self.content.count(content_type)?;
        }
        if count == 0 {
            return Ok(());
        }
        let file = self.publication.create(&self.encoding)?;
        file.write(header.as_bytes())?;
        for (content_type, order) in parts {
            let whole = [fragments::WHOLE.to_owned()];
            file.append(self.content, &query(content_type, order), &whole)?;
        }
        file.write(footer.as_bytes())?;
        let written = file.finish()?;
        self.list(kind, name, &written)
    }

    /// Puts a written index at its path and into the list.
    fn list(&mut self, kind: &str, name: &str, written: &Written) -> Result<()> {
        let name = format!("{name}{}", self.suffix);
        let data = repomd::entry(kind, &name, written, &self.checksum_type);
        self.publication.link(&[Link {
            path: data.href.clone(),
            artifact: written.artifact,
            media_type: None,
        }])?;
        self.repomd.data.push(data);
        Ok(())
    }

    /// Puts packages, and files that came as they are, where the indexes say.
    fn link_packages(&self) -> Result<()> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(rename = "pkgId")]
            pkg_id: String,
        }
        let mut links = Vec::with_capacity(TOGETHER);
        let packages = self.content.units(PACKAGE, &[])?;
        let files = self.content.units(REPO_METADATA_FILE, &[])?;
        let trees = self.content.units(DISTRIBUTION_TREE, &[])?;
        for unit in packages.chain(files).chain(trees) {
            let unit = unit?;
            for artifact in &unit.artifacts {
                let path = if unit.content_type == PACKAGE {
                    let fields: Fields = unit.fields_as()?;
                    let name = artifact.path.rsplit('/').next().unwrap_or_default();
                    self.layout.path(name, &fields.pkg_id)
                } else {
                    artifact.path.clone()
                };
                links.push(UnitLink {
                    path,
                    unit: unit.handle,
                    artifact: artifact.path.clone(),
                });
                if links.len() >= TOGETHER {
                    self.publication.link_units(&links)?;
                    links.clear();
                }
            }
        }
        self.publication.link_units(&links)?;
        Ok(())
    }

    /// What was kept as a file is published as it came; it is served at its own path.
    fn link_extra(&mut self) -> Result<()> {
        #[derive(Deserialize)]
        struct Fields {
            data_type: String,
            checksum_type: String,
            checksum: String,
            relative_path: String,
            size: u64,
            open_checksum: Option<String>,
            open_size: Option<u64>,
        }
        for unit in self.content.units(REPO_METADATA_FILE, &["data_type"])? {
            let fields: Fields = unit?.fields_as()?;
            let open_checksum = fields.open_checksum.as_deref();
            let open_checksum = open_checksum.and_then(|text| text.split_once(':'));
            self.repomd.data.push(Data {
                kind: fields.data_type,
                checksum_type: fields.checksum_type,
                checksum: fields.checksum,
                open_checksum: open_checksum.map(|(kind, hex)| (kind.into(), hex.into())),
                href: fields.relative_path,
                base: None,
                size: Some(fields.size),
                open_size: fields.open_size,
                timestamp: String::new(),
            });
        }
        Ok(())
    }

    /// The list of indexes comes last, and with it what vouches for it.
    fn write_repomd(&self, signing_service: Option<&str>) -> Result<()> {
        let mut file = FileWriter::create(self.publication)?;
        file.write_all(repomd::write(&self.repomd).as_bytes())
            .map_err(Error::from)?;
        let written = file.finish()?;
        self.publication.link(&[Link {
            path: "repodata/repomd.xml".into(),
            artifact: written.artifact,
            media_type: Some("application/xml".into()),
        }])?;
        let Some(service) = signing_service else {
            return Ok(());
        };
        let signed = self
            .publication
            .sign(written.artifact, "repomd.xml", service)?;
        let link = |end: &str, artifact| Link {
            path: format!("repodata/repomd.xml.{end}"),
            artifact,
            media_type: Some("application/pgp-keys".into()),
        };
        let mut links = [link("asc", signed.signature), link("key", signed.key)];
        links[0].media_type = Some("application/pgp-signature".into());
        self.publication.link(&links)?;
        Ok(())
    }
}
