//! `config.repo`: what `dnf` has to be told of a repository.

use std::fmt::Write as _;

use pith_plugin_sdk::Template;
use serde_json::{Map, Value};

/// Where it is served.
pub(crate) const PATH: &str = "config.repo";

/// The text of a publication, without what only a distribution knows.
pub(crate) fn template(config: &Map<String, Value>, has_key: bool) -> Template {
    let mut text = String::from("[${id}]\nname=${name}\nbaseurl=${base_url}\n");
    let own = |name: &str| name != "name" && name != "baseurl";
    for (name, value) in config.iter().filter(|(name, _)| own(name)) {
        let _ = match value {
            Value::String(text_of) => writeln!(text, "{name}={text_of}"),
            Value::Bool(flag) => writeln!(text, "{name}={}", u8::from(*flag)),
            other => writeln!(text, "{name}={other}"),
        };
    }
    for (name, default) in [("repo_gpgcheck", 0), ("gpgcheck", 0), ("enabled", 1)] {
        if !config.contains_key(name) {
            let _ = writeln!(text, "{name}={default}");
        }
    }
    if has_key && !config.contains_key("gpgkey") {
        text.push_str("gpgkey=${base_url}repodata/repomd.xml.key\n");
    }
    Template {
        path: PATH.into(),
        text,
        setting: Some("generate_repo_config".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(config: &Value, has_key: bool) -> String {
        let config = config.as_object().expect("an object").clone();
        template(&config, has_key).text
    }

    #[test]
    fn what_is_not_said_has_the_defaults_of_pulp() {
        let head = "[${id}]\nname=${name}\nbaseurl=${base_url}\n";
        assert_eq!(
            text(&json!({}), false),
            format!("{head}repo_gpgcheck=0\ngpgcheck=0\nenabled=1\n")
        );
        assert_eq!(
            text(
                &json!({"gpgcheck": 1, "name": "x", "assumeyes": true, "repo_gpgcheck": "1"}),
                true
            ),
            format!(
                "{head}assumeyes=1\ngpgcheck=1\nrepo_gpgcheck=1\nenabled=1\n\
                 gpgkey=${{base_url}}repodata/repomd.xml.key\n"
            )
        );
    }
}
