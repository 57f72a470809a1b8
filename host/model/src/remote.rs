//! What the host itself knows of a remote: its policy and its settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When the bytes of a remote's content are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// During the sync.
    Immediate,
    /// When a client first asks; kept from then on.
    OnDemand,
    /// Whenever a client asks; never kept.
    Streamed,
}

impl Policy {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::OnDemand => "on_demand",
            Self::Streamed => "streamed",
        }
    }

    /// The policy of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "immediate" => Self::Immediate,
            "on_demand" => Self::OnDemand,
            "streamed" => Self::Streamed,
            _ => return None,
        })
    }
}

/// What is secret in a remote. Sealed at rest, never shown, never handed to a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// PEM text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// For the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// For the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_username: Option<String>,
    /// For the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_password: Option<String>,
    /// For the upstream, of types of remotes that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The field name of the secret that not every type of remote has.
pub const TOKEN: &str = "token";

/// The setting that says where a token is exchanged for another one.
pub const AUTH_URL: &str = "auth_url";

/// In the schema of a type of remotes: the schemes that its URLs have, beginning with the one
/// to name first; `http` and `https` where it says nothing.
const SCHEMES: &str = "x-schemes";

/// In the schema of a type of remotes: the secrets that it cannot do without.
const REQUIRED_SECRETS: &str = "x-required-secrets";

/// The schemes that URLs of a type of remotes may have.
pub fn schemes(schema: &Value) -> Vec<&str> {
    let said = words(schema, SCHEMES);
    if said.is_empty() {
        vec!["http", "https"]
    } else {
        said
    }
}

/// The field names of the secrets that a type of remotes cannot do without.
pub fn required_secrets(schema: &Value) -> Vec<&str> {
    words(schema, REQUIRED_SECRETS)
}

fn words<'a>(schema: &'a Value, name: &str) -> Vec<&'a str> {
    let list = schema[name].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

impl Secrets {
    /// Each secret's field name and value, in the order in which they are shown.
    pub fn entries(&self) -> [(&'static str, &Option<String>); 6] {
        [
            ("client_key", &self.client_key),
            ("username", &self.username),
            ("password", &self.password),
            ("proxy_username", &self.proxy_username),
            ("proxy_password", &self.proxy_password),
            (TOKEN, &self.token),
        ]
    }

    /// The place of a secret by its field name.
    pub fn entry_mut(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "client_key" => &mut self.client_key,
            "username" => &mut self.username,
            "password" => &mut self.password,
            "proxy_username" => &mut self.proxy_username,
            "proxy_password" => &mut self.proxy_password,
            TOKEN => &mut self.token,
            _ => return None,
        })
    }
}
