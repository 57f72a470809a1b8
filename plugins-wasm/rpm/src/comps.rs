//! Groups, categories, environments and language packs: elements of `comps.xml`.

use pith_plugin_sdk::{Error, Fragment, Result, UnitDraft};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::xml::{Element, Step, Walk};
use crate::{PACKAGE_CATEGORY, PACKAGE_ENVIRONMENT, PACKAGE_GROUP, PACKAGE_LANGPACKS, fragments};

/// The kinds in the order in which they are published.
pub(crate) const KINDS: [&str; 4] = [
    PACKAGE_GROUP,
    PACKAGE_CATEGORY,
    PACKAGE_ENVIRONMENT,
    PACKAGE_LANGPACKS,
];

/// The fields by which the elements of a kind are ordered.
pub(crate) fn order(kind: &str) -> &'static [&'static str] {
    if kind == PACKAGE_LANGPACKS {
        &["digest"]
    } else {
        &["id", "digest"]
    }
}

/// The drafts of a whole document, each with the id by which it must be the only one.
pub(crate) fn drafts(text: &str) -> Result<Vec<(String, UnitDraft)>> {
    let mut walk = Walk::new(text);
    let mut drafts = Vec::new();
    match walk.next_step()? {
        Some(Step::Open(root)) if root.name() == b"comps" => {}
        _ => return Err(Error::invalid("its root is not `comps`")),
    }
    loop {
        let begin = walk.position();
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        let kind = match element.name() {
            b"group" => PACKAGE_GROUP,
            b"category" => PACKAGE_CATEGORY,
            b"environment" => PACKAGE_ENVIRONMENT,
            b"langpacks" => PACKAGE_LANGPACKS,
            _ => {
                walk.skip(&element)?;
                continue;
            }
        };
        let part = read(&mut walk, &element)?;
        // The reader may stand on white space and comments before the element.
        let whole = &text[begin..walk.position()];
        let name = String::from_utf8_lossy(element.name()).into_owned();
        let whole = &whole[whole.find(&format!("<{name}")).unwrap_or(0)..];
        drafts.push((format!("{kind} {}", part.id), part.draft(kind, whole)));
    }
    Ok(drafts)
}

/// Everything that any of the kinds has.
#[derive(Debug, Default)]
struct Part {
    id: String,
    name: String,
    description: String,
    default: bool,
    user_visible: bool,
    biarch_only: bool,
    display_order: Option<i64>,
    packages: Vec<Value>,
    groups: Vec<Value>,
    options: Vec<Value>,
    matches: Map<String, Value>,
    name_by_lang: Map<String, Value>,
    desc_by_lang: Map<String, Value>,
}

fn read(walk: &mut Walk<'_>, root: &Element<'_>) -> Result<Part> {
    let mut part = Part {
        user_visible: true,
        ..Part::default()
    };
    if root.is_empty {
        return Ok(part);
    }
    let depth = walk.depth();
    let mut in_options = false;
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        let language = element.attribute("xml:lang");
        match element.name() {
            b"id" => part.id = walk.text(&element)?.trim().into(),
            b"name" => {
                let text = walk.text(&element)?.into_owned();
                translated(language, text, &mut part.name, &mut part.name_by_lang);
            }
            b"description" => {
                let text = walk.text(&element)?.into_owned();
                translated(
                    language,
                    text,
                    &mut part.description,
                    &mut part.desc_by_lang,
                );
            }
            b"default" => part.default = flag(&walk.text(&element)?),
            b"uservisible" => part.user_visible = flag(&walk.text(&element)?),
            b"biarchonly" => part.biarch_only = flag(&walk.text(&element)?),
            b"display_order" => part.display_order = walk.text(&element)?.trim().parse().ok(),
            b"packagelist" => {}
            b"grouplist" => in_options = false,
            b"optionlist" => in_options = true,
            b"packagereq" => {
                let [kind, requires, basearchonly] =
                    element.attributes([b"type", b"requires", b"basearchonly"]);
                let name = walk.text(&element)?.trim().to_owned();
                // The numbers of libcomps, which are Pulp's.
                let kind = match kind.as_deref() {
                    Some("default") => 0,
                    Some("optional") => 1,
                    Some("conditional") => 2,
                    _ => 3,
                };
                part.packages.push(json!({
                    "name": name,
                    "type": kind,
                    "requires": requires,
                    "basearchonly": basearchonly.map(|text| flag(&text)),
                }));
            }
            b"groupid" => {
                let default = element.attribute("default").is_some_and(|text| flag(&text));
                let name = walk.text(&element)?.trim().to_owned();
                let list = if in_options {
                    &mut part.options
                } else {
                    &mut part.groups
                };
                list.push(json!({"name": name, "default": default}));
            }
            b"match" => {
                let [name, install] = element.attributes([b"name", b"install"]);
                part.matches
                    .insert(name.unwrap_or_default(), install.unwrap_or_default().into());
                walk.skip(&element)?;
            }
            _ => walk.skip(&element)?,
        }
    }
    Ok(part)
}

fn translated(
    language: Option<String>,
    text: String,
    plain: &mut String,
    by_language: &mut Map<String, Value>,
) {
    match language {
        Some(language) => {
            by_language.insert(language, text.into());
        }
        None => *plain = text,
    }
}

fn flag(text: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case("true") || text == "1"
}

impl Part {
    fn draft(self, kind: &str, whole: &str) -> UnitDraft {
        let digest = hex::encode(Sha256::digest(whole.as_bytes()));
        let mut fields = json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "display_order": self.display_order,
            "name_by_lang": self.name_by_lang,
            "desc_by_lang": self.desc_by_lang,
            "digest": digest,
        });
        match kind {
            PACKAGE_GROUP => {
                fields["default"] = self.default.into();
                fields["user_visible"] = self.user_visible.into();
                fields["biarch_only"] = self.biarch_only.into();
                fields["packages"] = self.packages.into();
            }
            PACKAGE_CATEGORY => fields["group_ids"] = self.groups.into(),
            PACKAGE_ENVIRONMENT => {
                fields["group_ids"] = self.groups.into();
                fields["option_ids"] = self.options.into();
            }
            _ => fields = json!({"matches": self.matches, "digest": digest}),
        }
        UnitDraft {
            content_type: kind.into(),
            fields: fields.to_string(),
            artifacts: Vec::new(),
            terms: Vec::new(),
            fragments: vec![Fragment {
                name: fragments::WHOLE.into(),
                bytes: format!("{whole}\n").into_bytes(),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPS: &str = r#"<?xml version="1.0"?><comps>
  <!-- <group>no</group> -->
  <group><id>birds</id><name>Birds</name><name xml:lang="de">V&#246;gel</name><default>true</default>
    <packagelist><packagereq type="conditional" requires="b">a</packagereq></packagelist></group>
  <category><id>all</id><name>All</name><grouplist><groupid>birds</groupid></grouplist></category>
  <environment><id>zoo</id><name>Zoo</name><display_order>10</display_order>
    <grouplist><groupid>birds</groupid></grouplist><optionlist><groupid default="true">x</groupid></optionlist></environment>
  <langpacks><match name="a" install="a-%s"/></langpacks>
</comps>"#;

    #[test]
    fn every_kind_of_element_is_read_and_kept() {
        let drafts = drafts(COMPS).expect("read");
        let kinds: Vec<&str> = drafts
            .iter()
            .map(|(_, draft)| draft.content_type.as_str())
            .collect();
        assert_eq!(kinds, KINDS);
        let fields =
            |at: usize| -> Value { serde_json::from_str(&drafts[at].1.fields).expect("JSON") };
        assert_eq!(drafts[0].0, "packagegroup birds");
        assert_eq!(fields(0)["name_by_lang"]["de"], "Vögel");
        assert_eq!(fields(0)["packages"][0]["type"], 2);
        assert_eq!(fields(1)["group_ids"][0]["name"], "birds");
        assert_eq!(fields(2)["option_ids"][0]["default"], true);
        assert_eq!(fields(2)["display_order"], 10);
        assert_eq!(fields(3)["matches"]["a"], "a-%s");
        for ((_, draft), name) in
            drafts
                .iter()
                .zip(["group", "category", "environment", "langpacks"])
        {
            let whole = String::from_utf8_lossy(&draft.fragments[0].bytes);
            assert!(whole.starts_with(&format!("<{name}>")), "{whole}");
            assert!(whole.ends_with(&format!("</{name}>\n")), "{whole}");
        }
    }

    #[test]
    fn another_document_is_refused() {
        assert!(super::drafts("<html/>").is_err());
        assert!(super::drafts("").is_err());
    }
}
