//! The server as a process: where its binary is, what it said, what it uses.

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Duration, timeout};

use crate::failure::last_lines;

/// What the server prints on stdout, followed by its address, when it answers.
const READY: &str = "listening on ";
/// A start takes well under a second; two busy cores and a cold disk may take long.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The folder that Cargo builds into: tests run from `<it>/release/deps/`.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own
        .ancestors()
        .nth(3)
        .context("the test binary is not in a target folder")?;
    Ok(folder.to_owned())
}

/// The server under test: `PITH_BIN`, or the one that was built beside the tests.
pub(crate) fn server_binary() -> Result<PathBuf> {
    let path = match env::var_os("PITH_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_directory()?.join("release").join("pith"),
    };
    ensure!(
        path.is_file(),
        "there is no server at {}: run `make build`",
        path.display()
    );
    Ok(path)
}

/// A plugin of the tests: from `PITH_TEST_PLUGINS`, or from beside the server.
pub fn built_plugin(name: &str) -> Result<PathBuf> {
    let folder = match env::var_os("PITH_TEST_PLUGINS") {
        Some(folder) => PathBuf::from(folder),
        None => target_directory()?.join("test-plugins"),
    };
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "there is no plugin at {}: run `make test-plugins`",
        path.display()
    );
    Ok(path)
}

/// Runs the binary with arguments of its own to its end.
pub async fn run_binary(arguments: &[&str]) -> Result<Output> {
    finish(command(&server_binary()?).args(arguments), "").await
}

/// Gives a command its input and waits for its end.
pub(crate) async fn finish(command: &mut Command, input: &str) -> Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("the binary cannot be started")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    timeout(Duration::from_mins(1), child.wait_with_output())
        .await
        .with_context(|| format!("{command:?} does not end"))?
        .context("the command cannot be waited for")
}

/// A command with nothing of the caller's settings in its environment.
pub(crate) fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PITH_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) base_url: String,
}

impl ServerProcess {
    /// Starts it, and waits until it says where it listens.
    pub(crate) async fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        let mut log_file = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(log_file.try_clone()?)
            .spawn()
            .context("the server cannot be started")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                writeln!(log_file, "{line}")?;
                if let Some(url) = url_of_ready_line(&line) {
                    return Ok(url);
                }
            }
            bail!("it ended before it listened")
        };
        match timeout(START_TIMEOUT, ready).await {
            Ok(Ok(base_url)) => {
                tokio::spawn(drain(lines, log_file));
                Ok(Self { child, base_url })
            }
            Ok(Err(error)) => {
                let status = child.wait().await?;
                bail!(
                    "the server did not start: {error:#} ({status})\n{}",
                    last_lines(log)
                )
            }
            Err(_) => bail!("the server was not ready in time\n{}", last_lines(log)),
        }
    }

    /// SIGKILL: nothing gets a chance to tidy up.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child
            .kill()
            .await
            .context("the server cannot be killed")
    }

    /// SIGTERM, and the exit code that follows.
    pub(crate) async fn terminate(&mut self) -> Result<Option<i32>> {
        rustix::process::kill_process(self.pid()?, Signal::TERM)?;
        let status = timeout(START_TIMEOUT, self.child.wait())
            .await
            .context("the server ignores SIGTERM")??;
        Ok(status.code())
    }

    /// The most memory that the process ever had, in MiB.
    pub(crate) fn peak_memory_mib(&self) -> Result<u64> {
        self.kilobytes("VmHWM:")
    }

    /// The memory that the process has now, in MiB.
    pub(crate) fn memory_mib(&self) -> Result<u64> {
        self.kilobytes("VmRSS:")
    }

    /// The time that its threads computed so far.
    pub(crate) fn computed(&self) -> Result<Duration> {
        let pid = self.child.id().context("the server has ended")?;
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
        let mut nanoseconds = 0;
        for task in tasks.flatten() {
            // A thread may end meanwhile.
            let Ok(told) = std::fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let first = told.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn kilobytes(&self, name: &str) -> Result<u64> {
        let pid = self.child.id().context("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"))
            .with_context(|| format!("no {name} in the process's status"))?;
        Ok(kilobytes.parse::<u64>()? / 1024)
    }

    fn pid(&self) -> Result<Pid> {
        let number = self.child.id().context("the server has ended")?;
        Pid::from_raw(i32::try_from(number)?).context("a process number above zero")
    }
}

fn url_of_ready_line(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(READY)?;
    let url = rest
        .split_whitespace()
        .next()?
        .trim_end_matches(['/', '.', ',']);
    url.starts_with("http://").then(|| url.to_owned())
}

/// A full pipe would stop the server.
async fn drain(mut lines: Lines<BufReader<ChildStdout>>, mut log_file: File) {
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = writeln!(log_file, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read() {
        let url = |line| url_of_ready_line(line);
        let expected = Some("http://127.0.0.1:4711".to_owned());
        assert_eq!(url("listening on http://127.0.0.1:4711"), expected);
        assert_eq!(
            url("pith 0.1.0: listening on http://127.0.0.1:4711/ (admin)"),
            expected
        );
        assert_eq!(url("listening on a socket"), None);
        assert_eq!(url("starting"), None);
    }
}
