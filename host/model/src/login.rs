//! How remotes of a type log in before they are asked for anything, as the type's schema says.

use serde::Deserialize;
use serde_json::Value;

/// In the schema of a type of remotes.
const LOGIN: &str = "x-login";

/// A server that gives keys for names and passwords, by XML-RPC, and has what the remotes'
/// own addresses name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Login {
    /// The setting that says where the server is.
    pub server: String,
    /// Where it is if the setting does not say it.
    pub otherwise: String,
    /// The place of calls, below the server's address.
    pub calls: String,
    /// What is called with name and password; its answer is the key.
    pub method: String,
    /// How long a key is, if that is known.
    pub key_length: Option<usize>,
    /// The header that the key is sent in.
    pub header: String,
    /// The place of files, below the server's address: host and path of a remote's own
    /// address follow.
    pub files: String,
}

impl Login {
    /// The login that a schema describes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(schema: &Value) -> Result<Option<Self>, serde_json::Error> {
        match schema.get(LOGIN) {
            Some(said) => Self::deserialize(said).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_may_describe_a_login() {
        assert_eq!(Login::of(&json!({})).expect("none"), None);
        let mut schema = json!({"x-login": {
            "server": "base_url", "otherwise": "https://example.com/", "calls": "rpc",
            "method": "login", "header": "X-Key", "files": "files",
        }});
        let login = Login::of(&schema).expect("a login").expect("one");
        assert_eq!((login.header.as_str(), login.key_length), ("X-Key", None));
        schema["x-login"]["password"] = "secret".into();
        let error = Login::of(&schema).expect_err("refused").to_string();
        assert!(error.contains("password"), "{error}");
    }
}
