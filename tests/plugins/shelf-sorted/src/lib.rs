//! A build of `shelf` that sorts titles by the numbers in them, also of books that an older
//! build stored. Some titles make it misbehave.

use pith_plugin_sdk::{
    Batcher, Changes, Descriptor, Error, Orderer, Plugin, Remote, Result, Staging, Syncer, Task,
    UnitDraft, View,
};
use serde_json::{Value, json};
use shelf::Build;

const BUILD: Build = Build {
    version: "3.0.0",
    fields: &["note"],
    natural_key: &["title"],
    lies: false,
};

/// The key of titles.
const KEY: &str = "title_order";

/// This build.
#[derive(Debug)]
pub struct Sorted;

pith_plugin_sdk::export!(Sorted with sync, order);

impl Plugin for Sorted {
    fn describe() -> Result<Descriptor> {
        let mut descriptor = shelf::describe(BUILD);
        for content_type in &mut descriptor.content_types {
            let mut fields: Value =
                serde_json::from_str(&content_type.fields).map_err(|error| {
                    Error::internal(format!("the fields of a book are no JSON: {error}"))
                })?;
            fields["properties"][KEY] = json!({
                "type": "string",
                "x-order": {"of": ["title"], "field": "title"},
            });
            content_type.fields = fields.to_string();
        }
        Ok(descriptor)
    }
}

impl Syncer for Sorted {
    /// Stages one book; of the prefix `keyless` without its key, which the host refuses.
    fn sync(
        task: &Task,
        _remote: &Remote,
        _current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Value = task.params_as()?;
        let prefix = params["prefix"].as_str().unwrap_or_default();
        let title = format!("{prefix} 0 7");
        let mut fields = json!({"title": title, "build": BUILD.version});
        if prefix != "keyless" {
            fields[KEY] = key(&json!(title).to_string())?.into();
        }
        let mut batcher = Batcher::new(staging, next);
        batcher.push(UnitDraft {
            content_type: "book".into(),
            fields: fields.to_string(),
            artifacts: Vec::new(),
            fragments: Vec::new(),
            terms: Vec::new(),
        })?;
        batcher.finish()?;
        Ok(())
    }
}

impl Orderer for Sorted {
    /// Misbehaves where a title says so.
    fn keys(_content_type: &str, _key: &str, values: &[String]) -> Result<Vec<String>> {
        let says = |word: &str| values.iter().any(|value| value.contains(word));
        assert!(!says("panic!"), "asked to panic");
        while says("loop!") {}
        let mut keys = values
            .iter()
            .map(|value| key(value))
            .collect::<Result<Vec<String>>>()?;
        if says("few!") {
            keys.clear();
        }
        if says("long!") {
            keys = vec!["x".repeat(10_000); keys.len()];
        }
        Ok(keys)
    }
}

/// The title with each number in eight digits.
fn key(value: &str) -> Result<String> {
    let value: Value = serde_json::from_str(value)
        .map_err(|error| Error::internal(format!("a value is no JSON: {error}")))?;
    let title = value.as_str().or_else(|| value["title"].as_str());
    let title = title.ok_or_else(|| Error::internal("a book without a title"))?;
    let words = title.split(' ').map(|word| match word.parse::<u32>() {
        Ok(number) => Ok(format!("{number:08}")),
        Err(_) if word.contains('?') => Err(Error::invalid("No title has a question mark.")),
        Err(_) => Ok(word.to_owned()),
    });
    Ok(words.collect::<Result<Vec<String>>>()?.join(" "))
}
