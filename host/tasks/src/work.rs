//! What a task has to do, as its row keeps it: row numbers instead of hrefs, checked
//! and resolved when the task was made.

use pith_db::remote::Settings;
use pith_model::schema::FileSetting;
use pith_model::task::TaskState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::source::{Expectation, Source};

/// In a result, an object with this property alone stands for the path of a resource
/// below an API root, which whoever shows the task puts before it.
pub const PATH: &str = "$path";

/// The work of one task; each kind is carried out by the file of its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Reads a remote into a repository.
    Sync {
        /// Row number.
        repository: i64,
        /// Row number.
        remote: i64,
        /// Of the plugin's task type, defaults filled in.
        params: Map<String, Value>,
    },
    /// Adds and removes units: Pulp's `modify`.
    Modify {
        /// Row number.
        repository: i64,
        /// Row numbers of units.
        add: Vec<i64>,
        /// Row numbers of units.
        remove: Vec<i64>,
        /// Removes everything that is not added (`remove_content_units: ["*"]`).
        remove_all: bool,
        /// Row number of the version to start from, of any repository of the same
        /// type, instead of the newest.
        base_version: Option<i64>,
        /// Units that are there do not give way to newcomers with their repository key.
        #[serde(default)]
        keep: bool,
    },
    /// Makes a publication.
    Publish {
        /// Row number of the version.
        version: i64,
        /// Row number of the repository, if that was named instead of a version.
        #[serde(default)]
        repository: Option<i64>,
        /// `file` in `publications/file/file/`.
        type_name: String,
        /// Settings of the publication type, defaults filled in.
        config: Map<String, Value>,
    },
    /// Makes units of a stored file.
    Upload {
        /// The content type that was asked for: `file` in `file.file`.
        content_type: String,
        /// Where the file comes from.
        #[serde(flatten)]
        source: Source,
        /// The file's name as the client gave it.
        file_name: String,
        /// Of the plugin's task type.
        params: Map<String, Value>,
        /// Row number of a repository that gets a new version with the units.
        repository: Option<i64>,
        /// Labels for the new units.
        labels: Option<Map<String, Value>>,
        /// Fields that a unit of the content type must have, as the client says.
        #[serde(default)]
        fields: Map<String, Value>,
        /// Units that are there do not give way to newcomers with their repository key.
        #[serde(default)]
        keep: bool,
        /// Row numbers of units that parameters name.
        #[serde(default)]
        named: Vec<i64>,
    },
    /// Changes a repository, or makes units, by rules of the plugin's own.
    Change {
        /// The name of the plugin's task type.
        task_type: String,
        /// Row number.
        repository: Option<i64>,
        /// Row number of the repository that is looked into, if that is another.
        #[serde(default)]
        source: Option<i64>,
        /// Row number of stored bytes, and what the client calls the file.
        file: Option<(i64, String)>,
        /// Of the plugin's task type.
        params: Map<String, Value>,
        /// Row numbers of the units that a parameter names; none where it names all.
        #[serde(default)]
        units: Option<Vec<i64>>,
        /// The signing services that parameters name.
        #[serde(default)]
        signing: Vec<String>,
    },
    /// Makes a stored file of an upload.
    CommitUpload {
        /// Row number.
        upload: i64,
        /// In hexadecimal.
        sha256: String,
    },
    /// Makes a distribution.
    CreateDistribution {
        /// `file` in `distributions/file/file/`.
        type_name: String,
        /// The checked settings.
        settings: DistributionSettings,
    },
    /// Removes a distribution.
    DeleteDistribution {
        /// Row number.
        distribution: i64,
    },
    /// Removes a repository with its versions and publications.
    DeleteRepository {
        /// Row number.
        repository: i64,
    },
    /// Removes a version; what only it had goes with it.
    DeleteVersion {
        /// Row number.
        repository: i64,
        /// The version's number.
        number: i64,
    },
    /// Removes a remote.
    DeleteRemote {
        /// Row number.
        remote: i64,
    },
    /// Reads every stored file of a version again and fetches anew what is damaged.
    Repair {
        /// Row number of the version.
        version: i64,
        /// Whether digests are compared, or only presence and size.
        verify_checksums: bool,
    },
    /// Copies units from versions into repositories.
    Copy(Copy),
    /// Forgets tasks that are over.
    Purge {
        /// Those that ended before this moment, in microseconds.
        before: i64,
        /// Those that ended so.
        states: Vec<TaskState>,
        /// Those that this user may delete; all without one.
        #[serde(default)]
        user: Option<i64>,
    },
    /// Fetches the file of an entity.
    FetchEntityFile {
        /// Row number.
        entity: i64,
        /// As of a remote; its `url` is the address.
        settings: Box<Settings>,
        /// Which setting says so, and how large it may be.
        file: FileSetting,
    },
    /// Removes what nobody refers to.
    OrphanCleanup {
        /// What was wanted more recently than so many minutes ago stays.
        protection_minutes: i64,
        /// Only these units, if given.
        only: Option<Vec<i64>>,
    },
}

/// The settings of a distribution, as in `pith-db`, in a form that a row can keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct DistributionSettings {
    pub name: String,
    pub base_path: String,
    pub pulp_labels: Value,
    pub hidden: bool,
    pub repository: Option<i64>,
    pub version: Option<i64>,
    pub publication: Option<i64>,
    pub config: Value,
}

/// What to copy; all lines appear together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// From where to where.
    pub lines: Vec<CopyLine>,
    /// The content types to choose from: `file` in `file.file`; all if there are none.
    pub only: Option<Vec<String>>,
    /// Expressions that units of a type must fulfill to be chosen, by the type's name.
    #[serde(default)]
    pub filters: Map<String, Value>,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// Whether the plugin is asked what the units need beyond what they refer to.
    #[serde(default)]
    pub resolve: bool,
    /// Whether the newest of what they need is to come, also where something older would do.
    #[serde(default)]
    pub upgrade: bool,
}

/// One line of a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyLine {
    /// Row number of the repository to copy from.
    pub source: i64,
    /// Number of its version; the newest if it is not given.
    pub source_version: Option<i64>,
    /// Row number of the repository to copy into.
    pub destination: i64,
    /// Number of the destination's version to start from; the newest if it is not given.
    pub base_version: Option<i64>,
    /// Row numbers of the units to copy; all that fit if they are not given.
    pub content: Option<Vec<i64>>,
}
