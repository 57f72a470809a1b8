//! A build of `shelf` whose notes are derived of fragments, where an older build stored them.
//! Some notes make it misbehave.

use pith_plugin_sdk::{
    Batcher, Changes, Deriver, Descriptor, Error, Fragment, Plugin, Remote, Result, Staging,
    Syncer, Task, UnitDraft, View,
};
use serde_json::{Value, json};
use shelf::Build;

const BUILD: Build = Build {
    version: "4.0.0",
    fields: &[],
    natural_key: &["title"],
    lies: false,
};

/// The field, and the fragment that it is derived of.
const NOTE: &str = "note";

/// This build.
#[derive(Debug)]
pub struct Derived;

pith_plugin_sdk::export!(Derived with sync, derive);

impl Plugin for Derived {
    fn describe() -> Result<Descriptor> {
        let mut descriptor = shelf::describe(BUILD);
        for content_type in &mut descriptor.content_types {
            let mut fields: Value =
                serde_json::from_str(&content_type.fields).map_err(|error| {
                    Error::internal(format!("the fields of a book are no JSON: {error}"))
                })?;
            fields["properties"][NOTE] = json!({ "type": ["string", "null"], "x-derived": true });
            content_type.fields = fields.to_string();
        }
        Ok(descriptor)
    }
}

impl Syncer for Derived {
    /// Stages one book whose note is the prefix; of the prefix `stored` with the note in its
    /// fields, which the host refuses.
    fn sync(
        task: &Task,
        _remote: &Remote,
        _current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Value = task.params_as()?;
        let prefix = params["prefix"].as_str().unwrap_or_default();
        let mut fields = json!({"title": format!("about {prefix}"), "build": BUILD.version});
        if prefix == "stored" {
            fields[NOTE] = prefix.into();
        }
        let mut batcher = Batcher::new(staging, next);
        batcher.push(UnitDraft {
            content_type: "book".into(),
            fields: fields.to_string(),
            artifacts: Vec::new(),
            fragments: vec![Fragment {
                name: NOTE.into(),
                bytes: prefix.as_bytes().to_vec(),
            }],
            terms: Vec::new(),
        })?;
        batcher.finish()?;
        Ok(())
    }
}

impl Deriver for Derived {
    /// Misbehaves where the note says so.
    fn derive(_content_type: &str, fields: &[String], fragments: &[Fragment]) -> Result<String> {
        assert_eq!(fields, [NOTE], "nothing else is derived");
        let note = fragments.iter().find(|one| one.name == NOTE);
        let note = note.map(|one| String::from_utf8_lossy(&one.bytes));
        while note.as_deref() == Some("loop!") {}
        match note.as_deref() {
            Some("panic!") => panic!("asked to panic"),
            Some("refuse!") => Err(Error::invalid("asked to refuse")),
            Some("broken!") => Ok("{\"note\": ".into()),
            Some("list!") => Ok("[]".into()),
            Some("less!") => Ok("{}".into()),
            note => Ok(json!({ NOTE: note }).to_string()),
        }
    }
}
