//! Which server, and who asks: flags, then the environment, then a file.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};

/// Where a server listens when nothing else is said.
const LOCAL: &str = "http://127.0.0.1:24817";

/// What can be given on the command line.
#[derive(Debug, Args, Serialize)]
#[command(next_help_heading = "Server")]
pub(crate) struct Login {
    /// The server's address.
    #[arg(
        long = "url",
        id = "server_url",
        global = true,
        value_name = "URL",
        env = "PITH_URL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Who asks.
    #[arg(long, global = true, value_name = "NAME", env = "PITH_USERNAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The user's password. Others on this machine can read a flag: better a token in a file.
    #[arg(
        long,
        global = true,
        value_name = "PASSWORD",
        env = "PITH_PASSWORD",
        hide_env_values = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// A token instead of a name and a password.
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "PITH_TOKEN",
        hide_env_values = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Read these settings from this TOML file instead of ~/.config/pith/client.toml.
    #[arg(long, global = true, value_name = "FILE", env = "PITH_CLIENT_CONFIG")]
    #[serde(skip)]
    client_config: Option<PathBuf>,
}

/// The same, settled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settled {
    pub(super) url: String,
    username: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

/// How a request says who asks.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// Not at all.
    Nobody,
    /// By name and password.
    Password { username: String, password: String },
    /// By a token.
    Token(String),
}

impl Login {
    /// Gathers the settings.
    pub(super) fn settle(&self) -> anyhow::Result<Settled> {
        let defaults = Settled {
            url: LOCAL.to_owned(),
            username: None,
            password: None,
            token: None,
        };
        let mut figment = Figment::from(Serialized::defaults(defaults));
        if let Some(file) = &self.client_config {
            ensure!(
                file.is_file(),
                "there is no settings file {}",
                file.display()
            );
            figment = figment.merge(Toml::file_exact(file));
        } else if let Some(file) = usual_file() {
            figment = figment.merge(Toml::file_exact(file));
        }
        let settled = figment.merge(Serialized::defaults(self)).extract();
        settled.context("the settings of the client are wrong")
    }
}

/// `~/.config/pith/client.toml`, if it is there.
fn usual_file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))?;
    let file = folder.join("pith").join("client.toml");
    file.is_file().then_some(file)
}

impl Settled {
    /// Who asks; a password that is missing is asked for at a terminal.
    pub(super) fn credential(&self) -> anyhow::Result<Credential> {
        if let Some(token) = &self.token {
            return Ok(Credential::Token(token.clone()));
        }
        let Some(username) = self.username.clone() else {
            if let Some(password) = &self.password {
                // The administrator that every server has.
                return Ok(Credential::Password {
                    username: "admin".to_owned(),
                    password: password.clone(),
                });
            }
            return Ok(Credential::Nobody);
        };
        let password = match &self.password {
            Some(password) => password.clone(),
            None if std::io::stdin().is_terminal() => {
                rpassword::prompt_password(format!("Password of {username}: "))?
            }
            None => bail!("there is no password for {username}; set PITH_PASSWORD"),
        };
        Ok(Credential::Password { username, password })
    }
}
