//! A real server on a port of its own, which a test may kill and start again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use tokio::process::Command;
use tokio::time::sleep;

use crate::api::Api;
use crate::compiled_code;
use crate::process::{ServerProcess, command, finish, server_binary};
use crate::reply::{Reply, text};
use crate::run::Test;

/// The password that every server of the suite is started with.
pub const ADMIN_PASSWORD: &str = "password";
/// By when a change must be seen by everyone who is served.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// A server that is not started yet.
#[derive(Debug)]
pub struct ServerBuilder {
    test: Test,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    database_url: Option<String>,
    data_directory: Option<PathBuf>,
    largest_file: Option<u64>,
    has_password: bool,
}

impl ServerBuilder {
    pub(crate) fn new(test: Test) -> Self {
        Self {
            test,
            arguments: Vec::new(),
            environment: Vec::new(),
            database_url: None,
            data_directory: None,
            largest_file: None,
            has_password: true,
        }
    }

    /// Lets the server choose the password of its administrator.
    #[must_use]
    pub fn without_password(mut self) -> Self {
        self.has_password = false;
        self
    }

    /// Adds a flag and its value.
    #[must_use]
    pub fn flag(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.arguments.extend([name.into(), value.into()]);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Joins the database and the files of another server.
    #[must_use]
    pub fn beside(mut self, other: &TestServer) -> Self {
        self.database_url.clone_from(&other.settings.database_url);
        self.data_directory = Some(other.settings.data_directory.clone());
        self
    }

    /// No file may grow beyond this many bytes: writing fails as on a full disk.
    #[must_use]
    pub fn largest_file(mut self, bytes: u64) -> Self {
        self.largest_file = Some(bytes);
        self
    }

    /// Starts it.
    pub async fn start(self) -> Result<TestServer> {
        let database_url = match self.database_url {
            Some(url) => Some(url),
            None => self.test.new_database().await?,
        };
        let number = NEXT_LOG.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let settings = Settings {
            data_directory: self
                .data_directory
                .unwrap_or_else(|| self.test.path("data")),
            log: self.test.path(&format!("server-{number}.log")),
            arguments: self.arguments,
            environment: self.environment,
            database_url,
            largest_file: self.largest_file,
            has_password: self.has_password,
        };
        compiled_code::lend(&settings.data_directory)?;
        let process = ServerProcess::spawn(settings.serve_command()?, &settings.log).await?;
        compiled_code::keep(&settings.data_directory)?;
        let api = Api::of_admin(&process.base_url)?;
        Ok(TestServer {
            settings,
            process,
            api,
        })
    }
}

static NEXT_LOG: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);

#[derive(Debug)]
struct Settings {
    data_directory: PathBuf,
    log: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    database_url: Option<String>,
    largest_file: Option<u64>,
    has_password: bool,
}

impl Settings {
    fn serve_command(&self) -> Result<Command> {
        let mut command = match self.largest_file {
            None => command(&server_binary()?),
            Some(bytes) => {
                // An ignored signal stays ignored in the server, so that a write that
                // goes too far is an error and not a death. `ulimit` counts blocks of 512.
                let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
                let mut shell = command(Path::new("/bin/sh"));
                shell
                    .args(["-c", script, "sh"])
                    .arg((bytes / 512).to_string());
                shell.arg(server_binary()?);
                shell
            }
        };
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        self.add_place(&mut command);
        command.args(&self.arguments);
        if self.has_password {
            command.env("PITH_ADMIN_PASSWORD", ADMIN_PASSWORD);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Where the data is: the same for the server and for the other commands.
    fn add_place(&self, command: &mut Command) {
        command.arg("--data-dir").arg(&self.data_directory);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
    }
}

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    settings: Settings,
    process: ServerProcess,
    api: Api,
}

impl TestServer {
    /// A client of it: the administrator with the password.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Changes the rows of a server that is on PostgreSQL, behind its back.
    pub async fn run_sql(&self, statements: &str) -> Result<()> {
        let url = self.settings.database_url.as_deref();
        crate::database::run_sql(url.context("this is for PostgreSQL")?, statements).await
    }

    /// Where it listens, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.process.base_url
    }

    /// Where its files are.
    pub fn data_directory(&self) -> &Path {
        &self.settings.data_directory
    }

    /// What it has logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.settings.log)?).into_owned())
    }

    /// The most memory that it ever had, in MiB.
    pub fn peak_memory_mib(&self) -> Result<u64> {
        self.process.peak_memory_mib()
    }

    /// The memory that it has now, in MiB.
    pub fn memory_mib(&self) -> Result<u64> {
        self.process.memory_mib()
    }

    /// The time that it computed so far.
    pub fn computed(&self) -> Result<Duration> {
        self.process.computed()
    }

    /// SIGKILL, without a warning.
    pub async fn kill_hard(&mut self) -> Result<()> {
        self.process.kill().await
    }

    /// SIGTERM, and the exit code that follows.
    pub async fn stop(&mut self) -> Result<Option<i32>> {
        self.process.terminate().await
    }

    /// Starts it again after its end, with the same data and on another port.
    pub async fn restart(&mut self) -> Result<()> {
        self.process =
            ServerProcess::spawn(self.settings.serve_command()?, &self.settings.log).await?;
        self.api = Api::of_admin(&self.process.base_url)?;
        Ok(())
    }

    /// Runs another command of the binary on the same data: `server.run(&["doctor"])`.
    pub async fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.run_with_input(arguments, "").await
    }

    /// The same with lines on stdin.
    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = command(&server_binary()?);
        command.args(arguments);
        self.settings.add_place(&mut command);
        finish(&mut command, input).await
    }

    /// Runs a command of the binary as a client of this server: `server.client(&["task",
    /// "list"])`, with what the client keeps in the test's folder.
    pub async fn client(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = command(&server_binary()?);
        let home = self.settings.log.with_file_name("home");
        command
            .args(arguments)
            .env("PITH_URL", self.base_url())
            .env("PITH_USERNAME", "admin")
            .env("PITH_PASSWORD", ADMIN_PASSWORD)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("NO_PROXY", "*");
        finish(&mut command, "").await
    }

    /// GETs what is served to everybody at a path below `/pulp/content/`.
    pub async fn fetch(&self, path: &str) -> Result<Reply> {
        self.fetch_with(path, &[]).await
    }

    /// The same with headers.
    pub async fn fetch_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply> {
        self.api
            .anonymous()
            .get_with(&content_path(path), headers)
            .await
    }

    /// HEAD of what is served.
    pub async fn fetch_head(&self, path: &str) -> Result<Reply> {
        self.api.anonymous().head(&content_path(path)).await
    }

    /// The bytes that are served at a path.
    pub async fn fetch_bytes(&self, path: &str) -> Result<Bytes> {
        Ok(self.fetch(path).await?.bytes()?.clone())
    }

    /// Fetches until the answer is as wanted, which must be so within a second.
    pub async fn fetch_until(
        &self,
        path: &str,
        is_wanted: impl Fn(&Reply) -> bool,
    ) -> Result<Reply> {
        let started = tokio::time::Instant::now();
        loop {
            let asked = started.elapsed();
            let reply = self.fetch(path).await?;
            if is_wanted(&reply) {
                return Ok(reply);
            }
            anyhow::ensure!(asked < SEEN_WITHIN, "not seen within a second: {reply}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A new token of the administrator.
    pub async fn new_token(&self) -> Result<String> {
        let name = json!({"name": "made by a test"});
        let token = self.api.create("/tokens/", name).await?;
        let secret = text(&token["token"]);
        anyhow::ensure!(!secret.is_empty(), "no token: {token}");
        Ok(secret.to_owned())
    }

    /// The password that the server made for its administrator and printed.
    pub fn printed_password(&self) -> Result<String> {
        let log = self.log()?;
        let password = log
            .lines()
            .find_map(|line| line.split_once("password ")?.1.split_whitespace().next());
        Ok(password.context("no password was printed")?.to_owned())
    }

    /// Any request that is not for the API: its method, and its path from the root.
    pub async fn request(&self, method: Method, path: &str) -> Result<Reply> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}{path}", self.base_url());
        let named = format!("{method} {url}");
        let response = client.request(method, url).send().await?;
        Ok(Reply::read(named, response).await)
    }
}

fn content_path(path: &str) -> String {
    format!("/pulp/content/{}", path.trim_start_matches('/'))
}
