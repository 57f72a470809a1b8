//! Documents of modules that a client gives as texts, with what it says of them.

use pith_plugin_sdk::{Error, Result, UnitDraft};
use serde_json::{Map, Value, json};

use crate::{MODULEMD, MODULEMD_DEFAULTS, MODULEMD_OBSOLETE, modules};

/// What is made of a text alone.
pub(crate) const TYPES: [&str; 3] = [MODULEMD, MODULEMD_DEFAULTS, MODULEMD_OBSOLETE];

/// The text.
const SNIPPET: &str = "snippet";

/// What a client may say of it: the field, the JSON type, and the types that have it.
const FIELDS: &[(&str, &str, &[&str])] = &[
    ("name", "string", &[MODULEMD]),
    ("stream", "string", &[MODULEMD, MODULEMD_DEFAULTS]),
    ("version", "string", &[MODULEMD]),
    ("static_context", "boolean", &[MODULEMD]),
    ("context", "string", &[MODULEMD]),
    ("arch", "string", &[MODULEMD]),
    ("artifacts", "array", &[MODULEMD]),
    ("dependencies", "array", &[MODULEMD]),
    ("profiles", "object", &[MODULEMD, MODULEMD_DEFAULTS]),
    ("description", "string", &[MODULEMD]),
    ("module", "string", &[MODULEMD_DEFAULTS]),
    ("modified", "string", &[MODULEMD_OBSOLETE]),
    ("module_name", "string", &[MODULEMD_OBSOLETE]),
    ("module_stream", "string", &[MODULEMD_OBSOLETE]),
    ("message", "string", &[MODULEMD_OBSOLETE]),
    ("override_previous", "string", &[MODULEMD_OBSOLETE]),
    ("module_context", "string", &[MODULEMD_OBSOLETE]),
    ("eol_date", "string", &[MODULEMD_OBSOLETE]),
    ("obsoleted_by_module_name", "string", &[MODULEMD_OBSOLETE]),
    ("obsoleted_by_module_stream", "string", &[MODULEMD_OBSOLETE]),
];

/// The properties of the parameters. The text says all; what else is said of it must agree.
pub(crate) fn params() -> Value {
    let mut properties = Map::new();
    properties.insert(
        SNIPPET.into(),
        json!({
            "type": "string",
            "minLength": 1,
            "x-for": TYPES,
            "description": "The document, as it stands in `modules.yaml`.",
        }),
    );
    for (name, kind, types) in FIELDS {
        properties.insert(
            (*name).into(),
            json!({
                "type": [kind, "null"],
                "default": null,
                "x-for": types,
                "description": "What the document says.",
            }),
        );
    }
    properties.insert(
        "packages".into(),
        json!({
            "type": ["array", "null"],
            "maxItems": 0,
            "default": null,
            "x-for": [MODULEMD],
            "description": "Nothing: the artifacts say which packages the module has.",
        }),
    );
    Value::Object(properties)
}

/// The draft of what the parameters have; none if they have no document.
pub(crate) fn draft(params: &Map<String, Value>) -> Result<Option<UnitDraft>> {
    let Some(text) = params.get(SNIPPET).and_then(Value::as_str) else {
        return Ok(None);
    };
    let wrong = |why: String| Err(Error::invalid(format!("{SNIPPET}: {why}")));
    let documents = modules::documents(text);
    let [document] = &documents[..] else {
        return wrong(format!(
            "one document was expected, got {}",
            documents.len()
        ));
    };
    let wanted = params.get("content_type").and_then(Value::as_str);
    let wanted = wanted.unwrap_or_default();
    let made = modules::draft(document).map_err(|error| error.context(SNIPPET))?;
    let Some((draft, _)) = made.filter(|(draft, _)| draft.content_type == wanted) else {
        // Documents have dashes in their kinds where types have lines.
        let kind = wanted.replace('_', "-").replace("obsolete", "obsoletes");
        return wrong(format!("a document with \"document: {kind}\" was expected"));
    };
    let fields: Map<String, Value> = serde_json::from_str(&draft.fields)
        .map_err(|error| Error::internal(format!("a draft is no JSON: {error}")))?;
    for (name, ..) in FIELDS {
        let said = params.get(*name).filter(|said| !is_nothing(said));
        if let (Some(said), Some(read)) = (said, fields.get(*name))
            && !agree(said, read)
        {
            return Err(Error::invalid(format!(
                "{name}: {said} was said, but the document says {read}"
            )));
        }
    }
    Ok(Some(draft))
}

/// Texts may be wrapped otherwise, and what a document does not say is not so.
fn agree(said: &Value, read: &Value) -> bool {
    match (said, read) {
        (Value::Bool(false), Value::Null) => true,
        (Value::String(said), Value::String(read)) => {
            said.split_whitespace().eq(read.split_whitespace())
        }
        _ => said == read,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: cage\n  stream: \"1.10\"\n  profiles:\n    1.0: [default]\n...\n";

    fn drafted(more: &Value) -> Result<Option<UnitDraft>> {
        let mut params = json!({ "content_type": MODULEMD_DEFAULTS });
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        draft(params.as_object().expect("an object"))
    }

    #[test]
    fn a_text_is_what_it_says() {
        for more in [
            json!({"snippet": DEFAULTS}),
            json!({"snippet": DEFAULTS, "module": "cage", "stream": "1.10", "profiles": null}),
            json!({"snippet": DEFAULTS, "module": "", "profiles": {"1.0": ["default"]}}),
        ] {
            let draft = drafted(&more).expect("read").expect("a draft");
            assert_eq!(draft.content_type, MODULEMD_DEFAULTS, "{more}");
            assert!(draft.fields.contains("1.10"));
        }
        assert!(drafted(&json!({})).expect("nothing to read").is_none());
    }

    #[test]
    fn what_is_said_agrees_in_other_words() {
        for (said, read, same) in [
            (json!("two  words\n"), json!("two words"), true),
            (json!("twowords"), json!("two words"), false),
            (json!(false), Value::Null, true),
            (json!(true), Value::Null, false),
            (json!(false), json!(true), false),
        ] {
            assert_eq!(agree(&said, &read), same, "{said} {read}");
        }
    }

    #[test]
    fn what_contradicts_it_is_refused() {
        for (more, words) in [
            (
                json!({"snippet": DEFAULTS, "stream": "1.1"}),
                "stream: \"1.1\" was said",
            ),
            (
                json!({"snippet": DEFAULTS, "profiles": {"a": []}}),
                "profiles: ",
            ),
            (json!({"snippet": format!("{DEFAULTS}{DEFAULTS}")}), "got 2"),
            (
                json!({"snippet": "document: modulemd\n"}),
                "snippet: it has no",
            ),
            (json!({"snippet": "a: ["}), "snippet: not YAML"),
            (
                json!({"snippet": DEFAULTS, "content_type": MODULEMD_OBSOLETE}),
                "\"document: modulemd-obsoletes\" was expected",
            ),
        ] {
            let error = drafted(&more).expect_err("refused").to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
