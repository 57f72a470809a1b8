//! What a task is and the states it goes through.

use serde::{Deserialize, Serialize};

/// Where a task stands. `waiting → running → completed | failed | canceled`, with
/// `canceling` between a wish to stop and the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Its locks or a worker are not free yet.
    Waiting,
    /// A worker has it.
    Running,
    /// Ended well; everything it made is visible.
    Completed,
    /// Ended badly; nothing it made is visible.
    Failed,
    /// Asked to stop, not stopped yet.
    Canceling,
    /// Stopped on request; nothing it made is visible.
    Canceled,
    /// Not run, because what it depended on failed.
    Skipped,
}

impl TaskState {
    /// All of them, in the order in which groups count them.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Skipped,
        Self::Running,
        Self::Completed,
        Self::Canceled,
        Self::Failed,
        Self::Canceling,
    ];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "waiting" => Self::Waiting,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "canceling" => Self::Canceling,
            "canceled" => Self::Canceled,
            "skipped" => Self::Skipped,
            _ => return None,
        })
    }

    /// Whether nothing will change it any more.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Canceled | Self::Skipped
        )
    }
}

/// Why a task failed, in a form that both people and programs can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    /// One word: `upstream`, `invalid`, `limit`…
    pub code: String,
    /// A sentence: what happened, to what.
    pub description: String,
    /// The plugin that was running, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Which of its exports ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// Frames of a trap, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
}

impl TaskError {
    /// An error that no plugin had a part in.
    pub fn new(code: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
            plugin: None,
            version: None,
            export: None,
            frames: Vec::new(),
        }
    }
}

impl std::fmt::Display for TaskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

/// A lock that a task holds while it runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lock {
    /// The resource's name (its PRN), or another word that tasks agree on.
    pub resource: String,
    /// Whether nobody else may hold it.
    pub exclusive: bool,
}

impl Lock {
    /// A lock that excludes every other.
    pub fn exclusive(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            exclusive: true,
        }
    }

    /// A lock that excludes exclusive ones only.
    pub fn shared(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            exclusive: false,
        }
    }

    /// Reads what [`Lock::record`] writes.
    pub fn of_record(record: &str) -> Self {
        match record.strip_prefix("shared:") {
            Some(resource) => Self::shared(resource),
            None => Self::exclusive(record),
        }
    }

    /// As Pulp writes it in `reserved_resources_record`.
    pub fn record(&self) -> String {
        if self.exclusive {
            self.resource.clone()
        } else {
            format!("shared:{}", self.resource)
        }
    }
}
