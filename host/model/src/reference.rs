//! References between resources: how they are read from a request (an href or a
//! PRN) and written into an answer.
//!
//! What is stored is the parts, never a URL: the same row answers under both API
//! roots.

use uuid::Uuid;

/// The two paths below which the one API is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Root {
    /// `/pulp/api/v3/`, where Pulp's clients look.
    #[default]
    Pulp,
    /// `/api/v3/`.
    Short,
}

impl Root {
    /// Both, the longer first.
    pub const ALL: [Self; 2] = [Self::Pulp, Self::Short];

    /// Its path, with a slash at both ends.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pulp => "/pulp/api/v3/",
            Self::Short => "/api/v3/",
        }
    }
}

/// What a reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A repository.
    Repository,
    /// A version of a repository, by the repository's UUID and a number.
    Version,
    /// A remote.
    Remote,
    /// A publication.
    Publication,
    /// A distribution.
    Distribution,
    /// An object of a plugin's own.
    Entity,
    /// A unit of content.
    Content,
    /// Stored bytes.
    Artifact,
    /// A task.
    Task,
    /// A server process.
    Worker,
    /// A file that comes in chunks.
    Upload,
    /// A group of tasks.
    TaskGroup,
    /// A task that is made again and again.
    TaskSchedule,
    /// A program that signs.
    SigningService,
}

impl Kind {
    /// The first word of its path.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Repository | Self::Version => "repositories",
            Self::Remote => "remotes",
            Self::Publication => "publications",
            Self::Distribution => "distributions",
            Self::Entity => "entities",
            Self::Content => "content",
            Self::Artifact => "artifacts",
            Self::Task => "tasks",
            Self::Worker => "workers",
            Self::Upload => "uploads",
            Self::TaskGroup => "task-groups",
            Self::TaskSchedule => "task-schedules",
            Self::SigningService => "signing-services",
        }
    }

    /// The word that ends the resource's model name in a PRN (`file.filerepository`).
    pub fn model_suffix(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Version => "repositoryversion",
            Self::Remote => "remote",
            Self::Publication => "publication",
            Self::Distribution => "distribution",
            Self::Entity => "entity",
            Self::Content => "content",
            Self::Artifact => "artifact",
            Self::Task => "task",
            Self::Worker => "worker",
            Self::Upload => "upload",
            Self::TaskGroup => "taskgroup",
            Self::TaskSchedule => "taskschedule",
            Self::SigningService => "asciiarmoreddetachedsigningservice",
        }
    }

    /// Whether its path names a plugin and a type.
    pub fn is_typed(self) -> bool {
        !matches!(
            self,
            Self::Artifact
                | Self::Task
                | Self::Worker
                | Self::Upload
                | Self::TaskGroup
                | Self::TaskSchedule
                | Self::SigningService
        )
    }
}

/// A reference, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// What it points at.
    pub kind: Kind,
    /// The plugin and the type's word in the path (`file`, `files`); none in a PRN
    /// and for kinds that have no type.
    pub type_path: Option<(String, String)>,
    /// Which one. For a version, its repository's (or, in a PRN, its own).
    pub uuid: Uuid,
    /// Of a version given as an href.
    pub number: Option<i64>,
}

impl Reference {
    /// Reads an absolute URL, an href under either root, or a PRN.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(prn) = text.strip_prefix("prn:") {
            return Self::parse_prn(prn);
        }
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.find('/').map(|at| &rest[at..])?,
            None => text,
        };
        let path = Root::ALL
            .iter()
            .find_map(|root| path.strip_prefix(root.path()))?;
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let typed = |kind, plugin: &str, name: &str, uuid: &str| {
            Some(Self {
                kind,
                type_path: Some((plugin.to_owned(), name.to_owned())),
                uuid: Uuid::try_parse(uuid).ok()?,
                number: None,
            })
        };
        match parts.as_slice() {
            ["repositories", plugin, name, uuid, "versions", number] => {
                let mut version = typed(Kind::Version, plugin, name, uuid)?;
                version.number = Some(number.parse().ok()?);
                Some(version)
            }
            ["repositories", plugin, name, uuid] => typed(Kind::Repository, plugin, name, uuid),
            ["remotes", plugin, name, uuid] => typed(Kind::Remote, plugin, name, uuid),
            ["publications", plugin, name, uuid] => typed(Kind::Publication, plugin, name, uuid),
            ["distributions", plugin, name, uuid] => typed(Kind::Distribution, plugin, name, uuid),
            ["entities", plugin, name, uuid] => typed(Kind::Entity, plugin, name, uuid),
            ["content", plugin, name, uuid] => typed(Kind::Content, plugin, name, uuid),
            ["artifacts", uuid] => Self::untyped(Kind::Artifact, uuid),
            ["uploads", uuid] => Self::untyped(Kind::Upload, uuid),
            ["workers", uuid] => Self::untyped(Kind::Worker, uuid),
            ["task-groups", uuid] => Self::untyped(Kind::TaskGroup, uuid),
            ["task-schedules", uuid] => Self::untyped(Kind::TaskSchedule, uuid),
            ["signing-services", uuid] => Self::untyped(Kind::SigningService, uuid),
            ["tasks", uuid] | ["tasks", _, _, uuid] => Self::untyped(Kind::Task, uuid),
            _ => None,
        }
    }

    fn untyped(kind: Kind, uuid: &str) -> Option<Self> {
        Some(Self {
            kind,
            type_path: None,
            uuid: Uuid::try_parse(uuid).ok()?,
            number: None,
        })
    }

    fn parse_prn(prn: &str) -> Option<Self> {
        let (model, uuid) = prn.split_once(':')?;
        let (_, model) = model.split_once('.')?;
        let kind = [
            Kind::Version,
            Kind::Repository,
            Kind::Remote,
            Kind::Publication,
            Kind::Distribution,
            Kind::Entity,
            Kind::Artifact,
            Kind::Task,
            Kind::Worker,
            Kind::Upload,
            Kind::TaskGroup,
            Kind::TaskSchedule,
            Kind::SigningService,
        ]
        .into_iter()
        .find(|kind| model.ends_with(kind.model_suffix()))
        .unwrap_or(Kind::Content);
        Self::untyped(kind, uuid)
    }
}

/// The path of a typed resource, relative to an API root.
pub fn typed_path(kind: Kind, plugin: &str, name: &str, uuid: Uuid) -> String {
    format!("{}/{plugin}/{name}/{uuid}/", kind.collection())
}

/// The path of a repository version, relative to an API root.
pub fn version_path(plugin: &str, name: &str, repository: Uuid, number: i64) -> String {
    format!("repositories/{plugin}/{name}/{repository}/versions/{number}/")
}

/// The PRN of a typed resource that is no content: `prn:file.filerepository:…`.
pub fn typed_prn(kind: Kind, plugin: &str, name: &str, uuid: Uuid) -> String {
    format!("prn:{plugin}.{name}{}:{uuid}", kind.model_suffix())
}

/// The PRN of one of the host's own resources: `prn:core.artifact:…`.
pub fn core_prn(kind: Kind, uuid: Uuid) -> String {
    format!("prn:core.{}:{uuid}", kind.model_suffix())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0190e2f4-0000-7000-8000-000000000001";

    #[test]
    fn both_roots_urls_and_prns_name_the_same_thing() {
        let forms = [
            format!("/pulp/api/v3/repositories/file/file/{UUID}/versions/3/"),
            format!("/api/v3/repositories/file/file/{UUID}/versions/3/"),
            format!("http://host:8080/api/v3/repositories/file/file/{UUID}/versions/3"),
        ];
        for form in forms {
            let reference = Reference::parse(&form).expect(&form);
            assert_eq!(reference.kind, Kind::Version);
            assert_eq!(reference.number, Some(3));
            assert_eq!(reference.uuid.to_string(), UUID);
        }
        let prn = format!("prn:file.filerepository:{UUID}");
        assert_eq!(
            Reference::parse(&prn).map(|r| r.kind),
            Some(Kind::Repository)
        );
        let prn = format!("prn:file.filecontent:{UUID}");
        assert_eq!(Reference::parse(&prn).map(|r| r.kind), Some(Kind::Content));
    }

    #[test]
    fn other_texts_are_no_references() {
        for text in [
            "",
            "x",
            "/pulp/api/v3/",
            "/pulp/api/v3/repositories/file/file/1/",
            "prn:x",
        ] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
