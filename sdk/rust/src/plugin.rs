//! What a plugin's author implements: one trait for each interface of the contract.

use crate::server::{Request, Response, Routing};
use crate::{
    Api, Changes, Descriptor, Fragment, Inputs, Lines, Publication, Remote, Resolution, Result,
    Staging, Task, UnitRef, View,
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

/// Says what the units of a copy need beyond what they refer to.
pub trait Resolver {
    /// `upgrade` wants the newest of what would do, also where something is there.
    fn resolve(task: &Task, lines: &Lines, upgrade: bool) -> Result<Resolution>;
}

/// Makes the files that clients read beside the content itself.
pub trait Publisher {
    /// `content` is the version to publish.
    fn publish(task: &Task, content: &View, publication: &Publication) -> Result<()>;
}

/// Answers requests below addresses of the plugin's own.
pub trait Server {
    /// Runs once when the component is loaded, without any handle.
    fn routes() -> Result<Routing>;

    /// Answers one request. An error becomes an answer of the host: 404 for `not-found`, 400
    /// for `invalid`, 403 for `denied` and so on.
    fn serve(api: &Api, request: Request) -> Result<Response>;
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

/// Makes keys that sort as the format orders its versions.
pub trait Orderer {
    /// A key for each value: JSON of a text, as a filter has it, or of an object with the
    /// fields that the key is of.
    fn keys(content_type: &str, key: &str, values: &[String]) -> Result<Vec<String>>;
}

/// Makes the fields that are not stored, where content types have some.
pub trait Deriver {
    /// An object with these fields of a unit, which has these fragments.
    fn derive(content_type: &str, fields: &[String], fragments: &[Fragment]) -> Result<String>;
}
