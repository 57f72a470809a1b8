//! `repomd.xml`: the list of a repository's indexes, read and written.

use std::fmt::Write as _;

use pith_plugin_sdk::{Error, Result, Written};

use crate::xml::{Step, Walk, escape};

/// One index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data {
    /// `primary`, `updateinfo` and so on.
    pub(crate) kind: String,
    pub(crate) checksum_type: String,
    pub(crate) checksum: String,
    /// Of the decoded bytes.
    pub(crate) open_checksum: Option<(String, String)>,
    /// Relative to the repository.
    pub(crate) href: String,
    /// `xml:base`, where it is elsewhere.
    pub(crate) base: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) open_size: Option<u64>,
    pub(crate) timestamp: String,
}

impl Data {
    /// As the host takes it; none for a kind that it does not know.
    pub(crate) fn digest(&self) -> Option<String> {
        let kinds = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
        kinds
            .contains(&self.checksum_type.as_str())
            .then(|| format!("{}:{}", self.checksum_type, self.checksum))
    }
}

/// The whole list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repomd {
    pub(crate) revision: String,
    pub(crate) data: Vec<Data>,
}

impl Repomd {
    /// The index of a kind.
    pub(crate) fn find(&self, kind: &str) -> Option<&Data> {
        self.data.iter().find(|data| data.kind == kind)
    }
}

/// Reads `repomd.xml`.
pub(crate) fn read(text: &str) -> Result<Repomd> {
    let mut walk = Walk::new(text);
    let mut repomd = Repomd::default();
    match walk.next_step()? {
        Some(Step::Open(root)) if root.name().ends_with(b"repomd") => {}
        _ => return Err(Error::invalid("its root is not `repomd`")),
    }
    while let Some(step) = walk.next_step()? {
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"revision" => repomd.revision = walk.text(&element)?.trim().into(),
            b"data" if !element.is_empty => {
                let mut data = Data {
                    kind: element.attribute("type").unwrap_or_default(),
                    ..Data::default()
                };
                read_data(&mut walk, &mut data)?;
                repomd.data.push(data);
            }
            _ => walk.skip(&element)?,
        }
    }
    Ok(repomd)
}

fn read_data(walk: &mut Walk<'_>, data: &mut Data) -> Result<()> {
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        let number = |text: &str| text.trim().parse().ok();
        match element.name() {
            b"checksum" => {
                data.checksum_type = checksum_type(element.attribute("type"));
                data.checksum = walk.text(&element)?.trim().to_ascii_lowercase();
            }
            b"open-checksum" => {
                let kind = checksum_type(element.attribute("type"));
                let checksum = walk.text(&element)?.trim().to_ascii_lowercase();
                data.open_checksum = Some((kind, checksum));
            }
            b"location" => {
                data.href = element.attribute("href").unwrap_or_default();
                data.base = element
                    .attribute("xml:base")
                    .filter(|base| !base.is_empty());
                walk.skip(&element)?;
            }
            b"size" => data.size = number(&walk.text(&element)?),
            b"open-size" => data.open_size = number(&walk.text(&element)?),
            b"timestamp" => data.timestamp = walk.text(&element)?.trim().into(),
            _ => walk.skip(&element)?,
        }
    }
    if data.href.is_empty() {
        return Err(Error::invalid(format!(
            "the index {:?} has no location",
            data.kind
        )));
    }
    Ok(())
}

/// `sha` is the old name of SHA-1.
fn checksum_type(kind: Option<String>) -> String {
    match kind.as_deref() {
        Some("sha") => "sha1".into(),
        _ => kind.unwrap_or_default(),
    }
}

/// A digest `sha256:…` as kind and hexadecimal.
fn split(digest: &str) -> (String, String) {
    let (kind, hex) = digest.split_once(':').unwrap_or(("", digest));
    (kind.to_owned(), hex.to_owned())
}

/// The entry of a file that was written, with the checksum of the kind that is asked for:
/// `repodata/<checksum>-<name>`.
pub(crate) fn entry(kind: &str, name: &str, written: &Written, checksum_type: &str) -> Data {
    let pick = |digests: &[String]| {
        let wanted = digests
            .iter()
            .find(|digest| digest.split(':').next() == Some(checksum_type));
        wanted.or(digests.first()).map(|digest| split(digest))
    };
    let (checksum_type, checksum) = pick(&written.digests).unwrap_or_default();
    Data {
        kind: kind.to_owned(),
        href: format!("repodata/{checksum}-{name}"),
        checksum_type,
        checksum,
        base: None,
        open_checksum: pick(&written.plain_digests),
        size: Some(written.size),
        open_size: Some(written.plain_size),
        timestamp: String::new(),
    }
}

/// Writes `repomd.xml`.
pub(crate) fn write(repomd: &Repomd) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n",
    );
    let _ = writeln!(text, "  <revision>{}</revision>", escape(&repomd.revision));
    for data in &repomd.data {
        let _ = writeln!(text, "  <data type=\"{}\">", escape(&data.kind));
        let _ = writeln!(
            text,
            "    <checksum type=\"{}\">{}</checksum>",
            escape(&data.checksum_type),
            escape(&data.checksum)
        );
        if let Some((kind, checksum)) = &data.open_checksum {
            let _ = writeln!(
                text,
                "    <open-checksum type=\"{}\">{}</open-checksum>",
                escape(kind),
                escape(checksum)
            );
        }
        let _ = writeln!(text, "    <location href=\"{}\"/>", escape(&data.href));
        if !data.timestamp.is_empty() {
            let _ = writeln!(
                text,
                "    <timestamp>{}</timestamp>",
                escape(&data.timestamp)
            );
        }
        if let Some(size) = data.size {
            let _ = writeln!(text, "    <size>{size}</size>");
        }
        if let Some(size) = data.open_size {
            let _ = writeln!(text, "    <open-size>{size}</open-size>");
        }
        text.push_str("  </data>\n");
    }
    text.push_str("</repomd>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let repomd = Repomd {
            revision: "17".into(),
            data: vec![Data {
                kind: "primary".into(),
                checksum_type: "sha256".into(),
                checksum: "ab".into(),
                open_checksum: Some(("sha256".into(), "cd".into())),
                href: "repodata/a&b.xml.gz".into(),
                base: None,
                size: Some(5),
                open_size: Some(9),
                timestamp: "1700000000".into(),
            }],
        };
        assert_eq!(read(&write(&repomd)).expect("read"), repomd);
        assert_eq!(repomd.data[0].digest().as_deref(), Some("sha256:ab"));
    }

    #[test]
    fn other_documents_are_refused() {
        for text in ["", "<html></html>", "not xml"] {
            assert!(read(text).is_err(), "{text}");
        }
        let error = read("<repomd><data type=\"primary\"></data></repomd>").expect_err("refused");
        assert_eq!(error.to_string(), "the index \"primary\" has no location");
    }
}
