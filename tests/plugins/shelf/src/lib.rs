//! A plugin of which there are several builds, for tests of reloading.
//!
//! Each build says of itself which it is, in what it describes and in every book that it
//! stages, so that a test sees when two are mixed.

use pith_plugin_sdk::{
    ArtifactCount, Batcher, Changes, ContentType, Descriptor, Remote, Request, ResourceType,
    Result, Staging, Task, TaskKind, TaskType, UnitDraft, schema,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a build is.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The plugin's version, which is also in every book.
    pub version: &'static str,
    /// Fields of a book beside its title and its build.
    pub fields: &'static [&'static str],
    /// What tells one book from another.
    pub natural_key: &'static [&'static str],
    /// Whether it lists a task that it cannot run.
    pub lies: bool,
}

#[derive(Debug, Deserialize)]
struct Params {
    count: u64,
    prefix: String,
    reads: u64,
}

#[derive(Debug, Deserialize)]
struct Config {
    url: String,
}

/// Describes a build.
#[must_use]
pub fn describe(build: Build) -> Descriptor {
    let mut fields = json!({ "title": text(), "build": text() });
    for field in build.fields {
        fields[*field] = json!({ "type": ["string", "null"] });
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut task_types = vec![TaskType {
        name: "syncs".into(),
        kind: TaskKind::Sync,
        title: format!("Fill the shelf {}", build.version),
        params: sync_params(build),
    }];
    if build.lies {
        task_types.push(TaskType {
            name: "publications".into(),
            kind: TaskKind::Publish,
            title: "Publish, or so it says".into(),
            params: schema::empty(),
        });
    }
    Descriptor {
        name: "shelf".into(),
        version: build.version.into(),
        pulp_version: None,
        title: format!("Shelf {}", build.version),
        content_types: vec![ContentType {
            name: "book".into(),
            plural: "books".into(),
            model: "book".into(),
            title: "Book".into(),
            artifacts: ArtifactCount::None,
            schema_version: 1,
            fields: schema::object(&fields, &["title", "build"]),
            natural_key: words(build.natural_key),
            repository_key: Vec::new(),
            indexed: words(build.fields),
            references: Vec::new(),
        }],
        repository_types: vec![resource_type(build)],
        remote_types: vec![resource_type(build)],
        publication_types: Vec::new(),
        distribution_types: Vec::new(),
        entity_types: Vec::new(),
        task_types,
    }
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn resource_type(build: Build) -> ResourceType {
    ResourceType {
        name: "shelf".into(),
        title: format!("Shelf {}", build.version),
        config: schema::empty(),
    }
}

fn sync_params(build: Build) -> String {
    let properties = json!({
        "count": { "type": "integer", "minimum": 0, "default": 10 },
        "prefix": { "type": "string", "default": build.version },
        "reads": { "type": "integer", "minimum": 0, "default": 0 },
    });
    schema::object(&properties, &[])
}

/// Stages books of this build, with reads of the remote between batches, which take time.
///
/// # Errors
/// Those of the host.
pub fn sync(
    build: Build,
    task: &Task,
    remote: &Remote,
    staging: &Staging,
    next: &Changes,
) -> Result<()> {
    let params: Params = task.params_as()?;
    let config: Config = remote.config_as()?;
    let mut batcher = Batcher::new(staging, next);
    for round in 0..=params.reads {
        for number in 0..params.count {
            batcher.push(book(build, &format!("{} {round} {number}", params.prefix)))?;
        }
        if round < params.reads {
            let body = remote.open(&request(&config.url))?;
            while !body.read(1 << 16)?.is_empty() {}
        }
        task.progress(
            "sync.filling",
            "Filling the shelf",
            round,
            Some(params.reads),
        );
    }
    batcher.finish()?;
    Ok(())
}

fn book(build: Build, title: &str) -> UnitDraft {
    let mut fields = json!({ "title": title, "build": build.version });
    for field in build.fields {
        fields[*field] = json!(format!("{field} of {title}"));
    }
    UnitDraft {
        content_type: "book".into(),
        fields: fields.to_string(),
        artifacts: Vec::new(),
        fragments: Vec::new(),
        terms: Vec::new(),
    }
}

fn request(url: &str) -> Request {
    Request {
        url: url.to_owned(),
        conditional: false,
        max_size: u64::MAX,
        digest: None,
    }
}

/// Makes a type the plugin of a component: `build!(One, Build { … })`.
#[macro_export]
macro_rules! build {
    ($name:ident, $build:expr) => {
        /// This build.
        #[derive(Debug)]
        pub struct $name;

        pith_plugin_sdk::export!($name with sync);

        impl pith_plugin_sdk::Plugin for $name {
            fn describe() -> pith_plugin_sdk::Result<pith_plugin_sdk::Descriptor> {
                Ok($crate::describe($build))
            }
        }

        impl pith_plugin_sdk::Syncer for $name {
            fn sync(
                task: &pith_plugin_sdk::Task,
                remote: &pith_plugin_sdk::Remote,
                _current: &pith_plugin_sdk::View,
                staging: &pith_plugin_sdk::Staging,
                next: &pith_plugin_sdk::Changes,
            ) -> pith_plugin_sdk::Result<()> {
                $crate::sync($build, task, remote, staging, next)
            }
        }
    };
}
