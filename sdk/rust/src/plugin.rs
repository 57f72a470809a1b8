//! What a plugin's author implements: one trait for each interface of the contract.

use crate::{
    Changes, Descriptor, Inputs, Publication, Remote, Result, Staging, Task, UnitRef, View,
};

/// Every plugin says what it is.
pub trait Plugin {
    /// Runs once when the component is loaded, without any handle.
    fn describe() -> Result<Descriptor>;
}

/// Reads an upstream's index and stages what it finds.
pub trait Syncer {
    /// `next` starts as a copy of `current`.
    fn sync(
        task: &Task,
        remote: &Remote,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()>;
}

/// Says what uploaded files are: one unit, or several.
pub trait Uploader {
    /// Stages the units and returns their references.
    fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>>;
}

/// Makes the files that clients read beside the content itself.
pub trait Publisher {
    /// `content` is the version to publish.
    fn publish(task: &Task, content: &View, publication: &Publication) -> Result<()>;
}

/// Changes a repository by rules of its own.
pub trait Changer {
    /// `name` is that of the task type; `next` starts as a copy of `current`.
    fn change(
        name: &str,
        task: &Task,
        files: &Inputs,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()>;
}
