//! What the API shows of a package and its row does not have: the long texts, which stand in
//! the pieces that indexes are made of.

use pith_plugin_sdk::{Deriver, Error, Fragment, Result};
use serde_json::{Map, json};

use crate::primary::{read_changes, read_description, read_files};
use crate::{PACKAGE, RpmPlugin, fragments};

impl Deriver for RpmPlugin {
    fn derive(content_type: &str, fields: &[String], pieces: &[Fragment]) -> Result<String> {
        if content_type != PACKAGE {
            return Err(Error::internal(format!(
                "nothing is derived of {content_type}"
            )));
        }
        let piece = |name: &str| -> Result<&str> {
            let piece = pieces.iter().find(|piece| piece.name == name);
            let bytes = piece.map_or(&b""[..], |piece| &piece.bytes);
            std::str::from_utf8(bytes).map_err(|_| Error::internal("a piece of XML is no text"))
        };
        let mut derived = Map::new();
        for field in fields {
            let value = match field.as_str() {
                "description" => {
                    let whole = [piece(fragments::HEAD)?, piece(fragments::TAIL)?].concat();
                    json!(read_description(&whole)?)
                }
                // A package whose element was broken has none.
                "files" => match piece(fragments::FILELISTS)? {
                    "" => json!([]),
                    text => json!(read_files(text)?),
                },
                "changelogs" => match piece(fragments::OTHER)? {
                    "" => json!([]),
                    text => json!(read_changes(text)?),
                },
                _ => return Err(Error::internal(format!("{field} is not derived"))),
            };
            derived.insert(field.clone(), value);
        }
        Ok(serde_json::Value::Object(derived).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Change, File, Package};
    use crate::render;
    use pith_plugin_sdk::Source;
    use serde_json::Value;

    fn derived(package: &Package) -> Value {
        let pieces = render::pieces(package);
        let draft = package.draft(pieces, Source::Urls(Vec::new()));
        let fragments = draft.expect("a draft").fragments;
        let fields = ["description", "files", "changelogs"].map(str::to_owned);
        let text = RpmPlugin::derive(PACKAGE, &fields, &fragments).expect("derived");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn long_texts_come_from_the_pieces_of_indexes() {
        let package = Package {
            name: "bear".into(),
            arch: "noarch".into(),
            description: "Brown\n& <large>".into(),
            files: vec![
                File::new(None, "/usr/bin/bear"),
                File::new(Some("dir".into()), "/b & c"),
            ],
            changelogs: vec![Change("A <a@b>".into(), 5, "- x".into())],
            ..Package::default()
        };
        assert_eq!(
            derived(&package),
            json!({
                "description": "Brown\n& <large>",
                "files": [[null, "/usr/bin/", "bear"], ["dir", "/", "b & c"]],
                "changelogs": [["A <a@b>", 5, "- x"]],
            })
        );
        assert_eq!(
            derived(&Package::default()),
            json!({"description": "", "files": [], "changelogs": []})
        );
    }

    #[test]
    fn what_was_never_there_is_empty() {
        let fields = ["files".to_owned(), "changelogs".to_owned()];
        let text = RpmPlugin::derive(PACKAGE, &fields, &[]).expect("derived");
        assert_eq!(text, r#"{"changelogs":[],"files":[]}"#);
    }
}
