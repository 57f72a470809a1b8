//! Rebuilding metadata: what this build reads out of archives takes the place of what an older
//! one read, or of what an upstream said.

use pith_plugin_sdk::{
    Error, Query, Renewal, Result, Staging, StoredReader, Task, TaskType, Unit, View, log,
};
use serde::Deserialize;
use serde_json::json;

use crate::COLLECTION_VERSION;
use crate::chosen::{self, Fields, fields_of};
use crate::collection::{self, CollectionVersion};

/// `repositories/ansible/ansible/<id>/rebuild_metadata/`
pub(crate) const REBUILDS: &str = "metadata_rebuilds";

/// The words for progress.
const REBUILDING: (&str, &str) = ("rebuild.metadata", "Rebuilding CollectionVersion metadata");
const CHANGED: (&str, &str) = ("rebuild.changed", "CollectionVersions with other metadata");
const SKIPPED: (&str, &str) = ("rebuild.skipped", "Skipped CollectionVersions");

/// Units whose keys alone are taken at a time.
const KEYS: u32 = 1_000;

/// So many go to the host together, or fewer that have so many bytes.
const TOGETHER: usize = 100;
const TOGETHER_BYTES: usize = 2 << 20;

/// What rebuilding takes, as Pulp calls it.
pub(crate) fn task_type() -> TaskType {
    let only = |what: &str| {
        json!({
            "type": ["string", "null"],
            "minLength": 1,
            "default": null,
            "description": format!("Only of collection versions with this {what}."),
        })
    };
    let params = json!({
        "required": ["repository"],
        "properties": {
            "repository": chosen::repository(),
            "namespace": only("namespace"),
            "name": only("name"),
            "version": only("version"),
        },
    });
    let title = "Rebuild metadata of collections";
    chosen::action(REBUILDS, "rebuild_metadata", title, params)
}

#[derive(Debug, Deserialize)]
struct Params {
    namespace: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

impl Params {
    /// The fields that are to have values.
    fn equal(self) -> Vec<(String, String)> {
        let given = [
            ("namespace", self.namespace),
            ("name", self.name),
            ("version", self.version),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// Reads the archives of what was chosen anew.
pub(crate) fn rebuild(task: &Task, current: &View, staging: &Staging) -> Result<()> {
    let params: Params = task.params_as()?;
    let query = Query {
        content_type: COLLECTION_VERSION.into(),
        order_by: Vec::new(),
    };
    let keys = ["namespace", "name", "version", "sha256"].map(str::to_owned);
    let cursor = current.find_equal(&query, &params.equal(), &keys)?;
    let mut rebuilding = Rebuilding {
        task,
        staging,
        waiting: Vec::new(),
        bytes: 0,
        done: 0,
        changed: 0,
        skipped: 0,
    };
    let mut problem = None;
    loop {
        let units = cursor.next(KEYS)?;
        if units.is_empty() {
            break;
        }
        for unit in &units {
            let fields: Fields = fields_of(unit)?;
            match read(current, unit, &fields) {
                Ok(found) => rebuilding.take(found.renewal(unit.handle)?)?,
                Err(error) => {
                    let Fields {
                        namespace,
                        name,
                        version,
                        ..
                    } = &fields;
                    let error = error.context(format!("{namespace}.{name} {version}"));
                    log::warn(&format!("Skipped: {error}"));
                    rebuilding.skipped += 1;
                    problem.get_or_insert(error);
                }
            }
        }
    }
    rebuilding.flush()?;
    let Rebuilding { done, skipped, .. } = rebuilding;
    task.progress(REBUILDING.0, REBUILDING.1, done, Some(done));
    if skipped > 0 {
        task.progress(SKIPPED.0, SKIPPED.1, skipped, Some(skipped));
    }
    match problem {
        // Nobody is helped by a success that did nothing.
        Some(problem) if done == 0 => Err(problem),
        None if done == 0 => Err(Error::invalid(
            "the repository has no collection version of that namespace, name and version",
        )),
        _ => Ok(()),
    }
}

/// What is read on its way to the host.
struct Rebuilding<'a> {
    task: &'a Task,
    staging: &'a Staging,
    waiting: Vec<Renewal>,
    bytes: usize,
    done: u64,
    changed: u64,
    skipped: u64,
}

impl Rebuilding<'_> {
    fn take(&mut self, renewal: Renewal) -> Result<()> {
        self.bytes += renewal.fields.len();
        self.waiting.push(renewal);
        if self.waiting.len() >= TOGETHER || self.bytes >= TOGETHER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.changed += u64::from(self.staging.renew(&self.waiting)?);
        self.done += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
        let Self { task, done, .. } = self;
        task.progress(REBUILDING.0, REBUILDING.1, *done, None);
        task.progress(CHANGED.0, CHANGED.1, self.changed, None);
        Ok(())
    }
}

/// Reads the archive of a collection version, which must be what the unit says.
fn read(view: &View, unit: &Unit, fields: &Fields) -> Result<CollectionVersion> {
    let reader = chosen::archive(view, unit, "read")?;
    let size = reader.size();
    let sha256 = fields.sha256.clone();
    let found = collection::read(StoredReader::new(&reader), size, sha256, |_| {})?;
    for (what, said, is) in [
        ("namespace", &fields.namespace, &found.namespace),
        ("name", &fields.name, &found.name),
        ("version", &fields.version, &found.version),
    ] {
        if said != is {
            return Err(Error::conflict(format!(
                "MANIFEST.json in its archive says the {what} {is:?}"
            )));
        }
    }
    Ok(found)
}
