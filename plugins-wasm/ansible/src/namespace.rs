//! Namespaces: who publishes collections, as they say of themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pith_plugin_sdk::{ArtifactDraft, Error, ResourceType, Result, Source, UnitDraft};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{NAMESPACE, name};

/// Where the host has the namespaces of this server, which have members.
pub(crate) const ENTITIES: &str = "entities/ansible/namespace/";

/// What publishing in one of them needs.
pub(crate) const UPLOAD: &str = "namespace.upload_to";

/// What a picture may have, in bytes: as much as Galaxy takes.
const MAX_PICTURE: u32 = 3 << 20;

/// What the namespaces of this server are.
pub(crate) fn entity_type() -> ResourceType {
    let text = |most: u32, description: &str| json!({"type": "string", "maxLength": most, "default": "", "description": description});
    let mut avatar = text(256, "Where its picture is fetched from.");
    avatar["x-picture"] = MAX_PICTURE.into();
    let link = json!({
        "type": "object",
        "required": ["name", "url"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "maxLength": 32},
            "url": {"type": "string", "maxLength": 256},
        },
    });
    let config = json!({
        "type": "object",
        "x-verbs": ["upload_to", "manage_roles"],
        "x-name": {
            "type": "string",
            "maxLength": name::MAX_LENGTH,
            "pattern": "^[a-z]([a-z0-9]|_[a-z0-9])*_?$",
        },
        "properties": {
            "company": text(64, "Who owns it."),
            "email": text(256, "How its owner is reached."),
            "avatar_url": avatar,
            "description": text(256, "What it is for."),
            "resources": text(65_536, "A page about it, in Markdown."),
            "links": {
                "type": "array",
                "items": link,
                "maxItems": 100,
                "default": [],
                "description": "Further pages, each a name and a url.",
            },
        },
    });
    ResourceType {
        name: "namespace".into(),
        title: "Ansible namespace".into(),
        config: config.to_string(),
    }
}

/// The fields of a unit; what an upstream leaves out is empty.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) company: String,
    #[serde(default)]
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) resources: String,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
    #[serde(default)]
    pub(crate) avatar_sha256: Option<String>,
    #[serde(default)]
    pub(crate) metadata_sha256: String,
    /// Where the upstream has the picture.
    #[serde(default, skip_serializing)]
    pub(crate) avatar_url: Option<String>,
}

/// A page that a namespace names.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Namespace {
    /// The digest of everything but itself, as Pulp computes it.
    pub(crate) fn digest(&self) -> String {
        // Sorted by name, and written as Python writes JSON.
        let mut text = String::from("{\"avatar_sha256\": ");
        match &self.avatar_sha256 {
            Some(digest) => write_text(&mut text, digest),
            None => text.push_str("null"),
        }
        let field = |text: &mut String, name: &str, value: &str| {
            let _ = write!(text, ", \"{name}\": ");
            write_text(text, value);
        };
        field(&mut text, "company", &self.company);
        field(&mut text, "description", &self.description);
        field(&mut text, "email", &self.email);
        text.push_str(", \"links\": {");
        let links: BTreeMap<&str, &str> = self
            .links
            .iter()
            .map(|link| (link.name.as_str(), link.url.as_str()))
            .collect();
        for (at, (name, url)) in links.into_iter().enumerate() {
            text.push_str(if at == 0 { "" } else { ", " });
            write_text(&mut text, name);
            text.push_str(": ");
            write_text(&mut text, url);
        }
        text.push('}');
        field(&mut text, "name", &self.name);
        field(&mut text, "resources", &self.resources);
        text.push('}');
        hex::encode(Sha256::digest(text))
    }

    /// Refuses what is about another namespace, or is not what its digest says.
    pub(crate) fn check(&self, name: &str, digest: &str) -> Result<()> {
        if self.name != name {
            return Err(Error::upstream(format!("it is about {:?}", self.name)));
        }
        if let Some(problem) = name::problem(&self.name) {
            return Err(Error::upstream(problem));
        }
        let actual = self.digest();
        if actual == digest && self.metadata_sha256 == digest {
            return Ok(());
        }
        Err(Error::upstream(format!(
            "its metadata_sha256 should be {actual}, but {digest} was announced"
        )))
    }

    /// The draft of its unit; with the picture, if that is at the upstream's own origin.
    pub(crate) fn draft(&self, origin: &str) -> Result<UnitDraft> {
        let picture = self.picture(origin).map(|(digest, url)| ArtifactDraft {
            path: format!("{}-avatar", self.name),
            digests: vec![format!("sha256:{digest}")],
            size: None,
            source: Source::Urls(vec![url.to_owned()]),
        });
        Ok(UnitDraft {
            content_type: NAMESPACE.into(),
            fields: serde_json::to_string(self)
                .map_err(|error| Error::internal(format!("a namespace is no JSON: {error}")))?,
            artifacts: picture.into_iter().collect(),
            fragments: Vec::new(),
            terms: Vec::new(),
        })
    }
}

impl Namespace {
    /// The digest and the address of the picture. One that is elsewhere is not asked for: the
    /// remote's settings say nothing of other servers.
    fn picture(&self, origin: &str) -> Option<(String, &str)> {
        let (digest, url) = (self.avatar_sha256.as_ref()?, self.avatar_url.as_deref()?);
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_near = match url.strip_prefix(origin) {
            Some(rest) => rest.starts_with('/'),
            None => url.starts_with('/') && !url.starts_with("//"),
        };
        (is_digest && is_near).then(|| (digest.to_ascii_lowercase(), url))
    }
}

/// Writes a text in ASCII alone, others as their UTF-16.
fn write_text(target: &mut String, text: &str) {
    target.push('"');
    for character in text.chars() {
        match character {
            '"' => target.push_str("\\\""),
            '\\' => target.push_str("\\\\"),
            '\n' => target.push_str("\\n"),
            '\r' => target.push_str("\\r"),
            '\t' => target.push_str("\\t"),
            '\u{8}' => target.push_str("\\b"),
            '\u{c}' => target.push_str("\\f"),
            ' '..='~' => target.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(target, "\\u{unit:04x}");
                }
            }
        }
    }
    target.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace() -> Namespace {
        let link = |name: &str, url: &str| Link {
            name: name.into(),
            url: url.into(),
        };
        let mut namespace = Namespace {
            name: "zoo".into(),
            company: "Zoo & \"Söhne\"".into(),
            email: "a@b".into(),
            description: "d\u{1f989}\u{7f}".into(),
            resources: "# A\n\tb\\".into(),
            links: vec![link("z", "https://z"), link("a", "https://a")],
            avatar_sha256: None,
            metadata_sha256: String::new(),
            avatar_url: None,
        };
        namespace.metadata_sha256 = namespace.digest();
        namespace
    }

    #[test]
    fn the_digest_is_that_of_pulp() {
        assert_eq!(
            namespace().digest(),
            "a06d2aa071f40721040c2f60228040fc36a30f80f23c646a1a993468e2d75aa9"
        );
    }

    #[test]
    fn only_pictures_of_the_upstream_itself_are_taken() {
        let pictures = |url: &str, digest: &str| {
            let namespace = Namespace {
                avatar_sha256: Some(digest.into()),
                avatar_url: Some(url.into()),
                ..namespace()
            };
            let draft = namespace.draft("https://up").expect("a draft");
            draft
                .artifacts
                .into_iter()
                .map(|one| one.path)
                .collect::<Vec<_>>()
        };
        let digest = "aB".repeat(32);
        for near in ["https://up/a.png", "/a.png"] {
            assert_eq!(pictures(near, &digest), ["zoo-avatar"], "{near}");
        }
        for far in [
            "https://upper/a.png",
            "https://up",
            "//other/a",
            "ftp://up/a",
            "a.png",
        ] {
            assert!(pictures(far, &digest).is_empty(), "{far}");
        }
        assert!(pictures("/a.png", "short").is_empty());
    }

    #[test]
    fn what_is_not_what_was_announced_is_refused() {
        let good = namespace();
        assert_eq!(good.check("zoo", &good.digest()), Ok(()));
        assert!(good.check("oz", &good.digest()).is_err());
        let mut bad = good.clone();
        bad.company = "Other".into();
        assert!(bad.check("zoo", &good.digest()).is_err());
    }
}
