//! What a plugin says of itself, checked: the source of tables, paths and schemas.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::entity;
use crate::login::Login;
use crate::order_key::OrderKey;
use crate::route::Routing;

pub use crate::field::{
    Alias, Field, FieldKind, Link, Part, aliases_of, derived_of, fields_of, links_of, picture_of,
};

/// What a plugin offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// The first word of its paths: `file`.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// The version of the Pulp plugin whose API its types have.
    pub pulp_version: Option<String>,
    /// For people.
    pub title: String,
    /// Its content types.
    pub content_types: Vec<ContentType>,
    /// Its kinds of repository.
    pub repository_types: Vec<ResourceType>,
    /// Its kinds of remote.
    pub remote_types: Vec<ResourceType>,
    /// Its kinds of publication.
    pub publication_types: Vec<ResourceType>,
    /// Its kinds of distribution.
    pub distribution_types: Vec<ResourceType>,
    /// Its kinds of objects of its own, which have a name, settings and roles.
    pub entity_types: Vec<ResourceType>,
    /// Its types of task.
    pub task_types: Vec<TaskType>,
    /// Its own addresses.
    pub routing: Routing,
}

/// A kind of repository, remote, publication or distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceType {
    /// The second word of its path: `repositories/file/<name>/`.
    pub name: String,
    /// For people.
    pub title: String,
    /// JSON Schema of the settings beyond the host's own.
    pub config: Value,
    /// Of a remote: whether it has a token, which is a secret and none of the settings.
    pub takes_token: bool,
    /// Of a remote: how it logs in before anything is asked for.
    pub login: Option<Login>,
}

/// What a task type does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Reads an upstream into a repository.
    Sync,
    /// Makes units of uploaded files.
    Upload,
    /// Makes a publication of a version.
    Publish,
    /// Changes a repository by rules of the plugin's own.
    Change,
}

/// A type of task that a plugin offers.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskType {
    /// `syncs` in `tasks/file/syncs/`.
    pub name: String,
    /// Which export runs it.
    pub kind: TaskKind,
    /// For people.
    pub title: String,
    /// JSON Schema of the parameters beyond the host's own.
    pub params: Value,
}

/// How many artifacts a unit of a type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactCount {
    /// None: all there is are its fields.
    None,
    /// Exactly one.
    One,
    /// Any number.
    Many,
}

/// A content type.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentType {
    /// `file` in `file.file`.
    pub name: String,
    /// `files` in `content/file/files/`.
    pub plural: String,
    /// `filecontent` in `prn:file.filecontent:…`.
    pub model: String,
    /// The same as the plugin wrote it, which may have underscores between words.
    pub model_words: String,
    /// For people.
    pub title: String,
    /// How many artifacts a unit has.
    pub artifacts: ArtifactCount,
    /// Raised by the plugin when `fields` change.
    pub schema_version: u32,
    /// JSON Schema of the fields.
    pub schema: Value,
    /// The fields that are stored, in the schema's order.
    pub fields: Vec<Field>,
    /// The fields that are not stored, but made of a unit's fragments for whoever reads them.
    pub derived: Vec<String>,
    /// The fields that are not stored, but show which unit another one names.
    pub links: Vec<Link>,
    /// Names that find and are not shown.
    pub aliases: Vec<Alias>,
    /// The property that shows where a unit's picture is.
    pub picture: Option<String>,
    /// Fields that are unique in the server.
    pub natural_key: Vec<String>,
    /// Fields that are unique in one version.
    pub repository_key: Vec<String>,
    /// Fields whose filters must be fast; several with commas between have an index together.
    pub indexed: Vec<String>,
    /// What its units refer to.
    pub references: Vec<Reference>,
    /// Fields that sort as the format orders its versions.
    pub order_keys: Vec<OrderKey>,
}

/// That units of one type refer to units of another, or of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// A text field, or a field with a list and the properties that lead to lists inside.
    pub path: Vec<String>,
    /// The short name of the type that is referred to.
    pub target: String,
    /// What must be equal, all of them: a property of an element, none for the element
    /// itself, and a text field of the target.
    pub keys: Vec<(Option<String>, String)>,
}

impl Reference {
    /// As the plugin wrote it: `pkglist.packages`.
    pub fn field(&self) -> String {
        self.path.join(".")
    }
}

/// The length of a key's fingerprint in bytes. 128 bits: an accident is out of the
/// question, and whoever finds a collision on purpose hurts only units of his own.
pub const FINGERPRINT: usize = 16;

impl ContentType {
    /// `file.file`.
    pub fn full_name(&self, plugin: &str) -> String {
        format!("{plugin}.{}", self.name)
    }

    /// Whether every unit must have the field.
    pub fn requires(&self, field: &str) -> bool {
        self.schema["required"]
            .as_array()
            .is_some_and(|required| required.iter().any(|name| name == field))
    }

    /// What identifies a unit with these fields in the server.
    pub fn natural_fingerprint(&self, fields: &Map<String, Value>) -> [u8; FINGERPRINT] {
        fingerprint(&self.natural_key, fields)
    }

    /// What identifies a unit with these fields in one version.
    pub fn repository_fingerprint(&self, fields: &Map<String, Value>) -> [u8; FINGERPRINT] {
        fingerprint(self.key_in_version(), fields)
    }

    /// The fields that are unique in one version.
    pub(crate) fn key_in_version(&self) -> &[String] {
        if self.repository_key.is_empty() {
            &self.natural_key
        } else {
            &self.repository_key
        }
    }
}

fn fingerprint(key: &[String], fields: &Map<String, Value>) -> [u8; FINGERPRINT] {
    let mut hash = Sha256::new();
    for name in key {
        // The JSON text of a value cannot run into the next: strings are quoted.
        hash.update(fields.get(name).unwrap_or(&Value::Null).to_string());
        hash.update(b"\n");
    }
    let mut short = [0; FINGERPRINT];
    short.copy_from_slice(&hash.finalize()[..FINGERPRINT]);
    short
}

/// Names become parts of paths, tables and columns: lowercase letters, digits and
/// underscores, beginning with a letter, at most 40.
pub(crate) fn check_word(word: &str, what: &str) -> Result<(), String> {
    let mut characters = word.chars();
    let fits = characters.next().is_some_and(|c| c.is_ascii_lowercase())
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && word.len() <= 40
        && !word.contains("__");
    if fits {
        Ok(())
    } else {
        Err(format!(
            "the name {word:?} of {what} must be lowercase letters, digits and single underscores, \
             begin with a letter, and have at most 40 characters"
        ))
    }
}

/// Properties that every unit has in the API; a plugin's field may not take their names.
const RESERVED: &[&str] = &[
    "pulp_href",
    "prn",
    "pulp_created",
    "pulp_last_updated",
    "pulp_labels",
];

impl ArtifactCount {
    /// The property that shows the artifacts in the API; a plugin's field may not take its
    /// name, but a type without artifacts may have a field of any of them.
    fn property(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::One => Some("artifact"),
            Self::Many => Some("artifacts"),
        }
    }
}

impl Descriptor {
    /// Checks that names can be paths and columns and that keys name fields.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        check_word(&self.name, "the plugin")?;
        if ["core", "auth"].contains(&self.name.as_str()) {
            return Err(format!("the name {:?} belongs to the host", self.name));
        }
        for content_type in &self.content_types {
            content_type.check()?;
            for reference in &content_type.references {
                self.check_reference(content_type, reference)
                    .map_err(|reason| {
                        format!(
                            "the reference {:?} of content type {:?} {reason}",
                            reference.field(),
                            content_type.name
                        )
                    })?;
            }
        }
        let kinds = [
            ("a repository type", &self.repository_types),
            ("a remote type", &self.remote_types),
            ("a publication type", &self.publication_types),
            ("a distribution type", &self.distribution_types),
            ("an entity type", &self.entity_types),
        ];
        for (what, types) in kinds {
            check_unique(types.iter().map(|one| one.name.as_str()), what)?;
        }
        for content_type in &self.content_types {
            for link in content_type.links.iter().filter(|link| link.is_list) {
                self.check_list(content_type, link)?;
            }
        }
        check_unique(
            self.task_types.iter().map(|one| one.name.as_str()),
            "a task type",
        )?;
        check_unique(
            self.content_types.iter().map(|one| one.name.as_str()),
            "a content type",
        )?;
        check_unique(
            self.content_types.iter().map(|one| one.plural.as_str()),
            "a content type's plural",
        )?;
        entity::check(self)?;
        self.routing.check(&self.name)
    }

    fn check_reference(&self, from: &ContentType, reference: &Reference) -> Result<(), String> {
        let words = reference.path.iter();
        let words = words.chain(reference.keys.iter().filter_map(|(from, _)| from.as_ref()));
        for word in words {
            check_word(word, "a property")?;
        }
        let kind = reference
            .path
            .first()
            .and_then(|name| from.fields.iter().find(|field| field.name == *name))
            .map(|field| field.kind);
        match (kind, reference.path.len(), reference.keys.as_slice()) {
            (Some(FieldKind::Json), _, [_, ..]) | (Some(FieldKind::Text), 1, [(None, _)]) => {}
            (Some(FieldKind::Text), ..) => {
                return Err("is a text, so it has one key with no property".to_owned());
            }
            (Some(FieldKind::Json), ..) => return Err("has no keys".to_owned()),
            (Some(_), ..) => return Err("is neither a text nor a list".to_owned()),
            (None, ..) => return Err("names no field of the type".to_owned()),
        }
        let target = self
            .content_type(&reference.target)
            .ok_or_else(|| format!("leads to {:?}, which is no content type", reference.target))?;
        for (_, name) in &reference.keys {
            let field = target.fields.iter().find(|field| field.name == *name);
            if field.is_none_or(|field| field.kind != FieldKind::Text) {
                return Err(format!(
                    "compares with {name:?}, which is no text field of {:?}",
                    target.name
                ));
            }
        }
        Ok(())
    }

    /// The content type of that short name.
    pub fn content_type(&self, name: &str) -> Option<&ContentType> {
        self.content_types.iter().find(|one| one.name == name)
    }

    /// The task type of that kind, if the plugin lists one.
    pub fn task_type(&self, kind: TaskKind) -> Option<&TaskType> {
        self.task_types.iter().find(|one| one.kind == kind)
    }
}

impl ContentType {
    fn check(&self) -> Result<(), String> {
        check_word(&self.name, "a content type")?;
        check_word(&self.plural, "a content type's plural")?;
        check_word(&self.model_words, "a content type's model")?;
        if self.natural_key.is_empty() {
            return Err(format!("content type {:?} has no natural key", self.name));
        }
        let stored = self.fields.iter().map(|field| field.name.as_str());
        let names: Vec<&str> = stored
            .chain(self.derived.iter().map(String::as_str))
            .chain(self.links.iter().map(|link| link.name.as_str()))
            .chain(self.aliases.iter().map(|alias| alias.name.as_str()))
            .chain(self.picture.as_deref())
            .collect();
        for (index, name) in names.iter().enumerate() {
            let twin = |other: &&&str| other.eq_ignore_ascii_case(name);
            if let Some(twin) = names[..index].iter().find(twin) {
                return Err(format!(
                    "the field names {twin:?} and {name:?} differ in the case of letters only"
                ));
            }
            if RESERVED.contains(name) || self.artifacts.property() == Some(name) {
                return Err(format!("the field name {name:?} belongs to the host"));
            }
        }
        if let Some(name) = &self.picture
            && self.artifacts != ArtifactCount::Many
        {
            return Err(format!(
                "{name:?} shows a picture, which only units with many artifacts may have"
            ));
        }
        for link in &self.links {
            if self.linked(link).is_none() {
                return Err(format!(
                    "the link {:?} is of {:?}, which is no reference to {}",
                    link.name,
                    link.field,
                    if link.is_list {
                        "several units"
                    } else {
                        "one unit"
                    },
                ));
            }
        }
        let keys = self.natural_key.iter().chain(&self.repository_key);
        let indexed = self.indexed.iter().flat_map(|fields| fields.split(','));
        for name in keys.map(String::as_str).chain(indexed) {
            if !self.fields.iter().any(|field| field.name == name) {
                return Err(format!(
                    "content type {:?} names {name:?} in a key or an index, but stores no such field",
                    self.name
                ));
            }
        }
        Ok(())
    }
}

fn check_unique<'a>(names: impl Iterator<Item = &'a str>, what: &str) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        check_word(name, what)?;
        if !seen.insert(name) {
            return Err(format!("the name {name:?} of {what} is given twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn file() -> ContentType {
        let schema = json!({"type": "object", "properties": {
            "relative_path": {"type": "string"}, "sha256": {"type": ["string", "null"]},
            "size": {"type": "integer"}, "extra": {"type": "object"}}});
        ContentType {
            name: "file".into(),
            plural: "files".into(),
            model: "filecontent".into(),
            model_words: "filecontent".into(),
            title: "File".into(),
            artifacts: ArtifactCount::One,
            schema_version: 1,
            fields: fields_of(&schema).expect("fields"),
            schema,
            derived: vec![],
            links: vec![],
            aliases: vec![],
            picture: None,
            natural_key: vec!["relative_path".into(), "sha256".into()],
            repository_key: vec!["relative_path".into()],
            indexed: vec![],
            references: vec![],
            order_keys: vec![],
        }
    }

    pub(crate) fn descriptor(reference: Reference) -> Descriptor {
        let mut content_type = file();
        content_type.references.push(reference);
        Descriptor {
            name: "file".into(),
            version: "1".into(),
            pulp_version: None,
            title: "File".into(),
            content_types: vec![content_type],
            repository_types: vec![],
            remote_types: vec![],
            publication_types: vec![],
            distribution_types: vec![],
            entity_types: vec![],
            task_types: vec![],
            routing: Routing::default(),
        }
    }

    #[test]
    fn a_reference_leads_from_a_field_to_text_fields_of_a_type() {
        let good = Reference {
            path: vec!["extra".into(), "files".into()],
            target: "file".into(),
            keys: vec![(Some("path".into()), "relative_path".into())],
        };
        assert_eq!(descriptor(good.clone()).check(), Ok(()));
        let refusal = |change: &dyn Fn(&mut Reference)| {
            let mut wrong = good.clone();
            change(&mut wrong);
            descriptor(wrong).check().expect_err("refused")
        };
        assert!(refusal(&|r| r.target = "x".into()).contains("no content type"));
        assert!(refusal(&|r| r.path[0] = "size".into()).contains("neither"));
        assert!(refusal(&|r| r.path[0] = "none".into()).contains("names no field"));
        assert!(refusal(&|r| r.keys[0].1 = "size".into()).contains("no text field"));
        assert!(refusal(&|r| r.keys.clear()).contains("no keys"));
        assert!(refusal(&|r| r.path[0] = "sha256".into()).contains("one key"));
    }

    #[test]
    fn columns_follow_the_schema() {
        let kinds: Vec<FieldKind> = file().fields.iter().map(|field| field.kind).collect();
        assert!(kinds.contains(&FieldKind::Integer) && kinds.contains(&FieldKind::Json));
        assert!(fields_of(&json!({"type": "object"})).is_err());
    }

    #[test]
    fn derived_fields_are_in_no_key() {
        let mut type_with = file();
        type_with.derived.push("files".into());
        assert_eq!(type_with.check(), Ok(()));
        type_with.indexed.push("files".into());
        assert!(type_with.check().unwrap_err().contains("stores no such"));
        type_with.indexed.clear();
        type_with.derived.push("SHA256".into());
        assert!(type_with.check().unwrap_err().contains("case of letters"));
    }

    #[test]
    fn fingerprints_do_not_run_together() {
        let of = |value: Value| file().natural_fingerprint(value.as_object().expect("object"));
        let one = of(json!({"relative_path": "a", "sha256": "bc"}));
        assert_ne!(one, of(json!({"relative_path": "ab", "sha256": "c"})));
        assert_ne!(one, of(json!({"relative_path": "a"})));
        assert_eq!(
            one,
            of(json!({"sha256": "bc", "relative_path": "a", "size": 3}))
        );
    }

    #[test]
    fn names_of_the_host_are_refused_where_they_are_used() {
        let with = |name: &str, artifacts| {
            let mut file = file();
            file.artifacts = artifacts;
            file.fields.push(Field {
                name: name.into(),
                kind: FieldKind::Json,
                is_hidden: false,
                is_signing_service: false,
            });
            file.check()
        };
        assert!(with("pulp_href", ArtifactCount::None).is_err());
        assert!(with("artifact", ArtifactCount::One).is_err());
        assert!(with("artifacts", ArtifactCount::Many).is_err());
        assert_eq!(with("artifacts", ArtifactCount::None), Ok(()));
        // Databases do not tell these apart.
        assert!(with("SHA256", ArtifactCount::None).is_err());
    }

    #[test]
    fn a_key_must_name_a_field() {
        let mut wrong = file();
        wrong.natural_key.push("nothing".into());
        assert!(wrong.check().unwrap_err().contains("nothing"));
        assert_eq!(file().check(), Ok(()));
    }
}
