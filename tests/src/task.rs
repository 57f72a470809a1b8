//! Tasks: waiting for them, and what became of them.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::api::{Api, hrefs};
use crate::reply::{Reply, text};

/// No task of the suite takes longer, even on a machine that is busy.
const LONGEST: Duration = Duration::from_mins(3);
/// Short, since the speed of the suite depends on it.
const POLL: Duration = Duration::from_millis(15);

/// A task that is over.
#[derive(Clone, Debug)]
pub struct Task(pub Value);

impl Task {
    /// Where it ended: `completed`, `failed` or `canceled`.
    pub fn state(&self) -> &str {
        text(&self.0["state"])
    }

    /// The same task, which must have ended well.
    pub fn completed(self) -> Result<Self> {
        ensure!(
            self.state() == "completed",
            "the task did not complete: {}",
            self.0
        );
        Ok(self)
    }

    /// The description of the error of a task that must have failed.
    pub fn failure(&self) -> Result<&str> {
        ensure!(
            self.state() == "failed",
            "the task should have failed: {}",
            self.0
        );
        let description = text(&self.0["error"]["description"]);
        ensure!(
            !description.is_empty(),
            "the task failed without a word: {}",
            self.0
        );
        Ok(description)
    }

    /// What it made.
    pub fn created(&self) -> Vec<String> {
        hrefs(&self.0["created_resources"])
    }

    /// The one thing that it made whose href contains a word.
    pub fn created_one(&self, word: &str) -> Result<String> {
        let found: Vec<_> = self
            .created()
            .into_iter()
            .filter(|href| href.contains(word))
            .collect();
        match &found[..] {
            [one] => Ok(one.clone()),
            _ => bail!("one {word} should have been made: {}", self.0),
        }
    }

    /// How much of a progress report is done, by its code.
    pub fn done(&self, code: &str) -> Option<u64> {
        let reports = self.0["progress_reports"].as_array()?;
        reports.iter().find(|report| report["code"] == code)?["done"].as_u64()
    }
}

impl Api {
    /// Waits for the task that a 202 names.
    pub async fn finish(&self, reply: Reply) -> Result<Task> {
        let accepted = reply.json(202)?;
        self.wait(text(&accepted["task"])).await
    }

    /// Waits until a task is over.
    pub async fn wait(&self, task: &str) -> Result<Task> {
        self.wait_until(task, |state| {
            matches!(state, "completed" | "failed" | "canceled")
        })
        .await
    }

    /// Waits until a task is running.
    pub async fn wait_until_running(&self, task: &str) -> Result<Task> {
        self.wait_until(task, |state| state != "waiting").await
    }

    /// Starts a task and gives its href.
    pub async fn start_task(&self, path: &str, document: Value) -> Result<String> {
        let accepted = self.post(path, document).await?.json(202)?;
        Ok(text(&accepted["task"]).to_owned())
    }

    /// Starts a task and waits until it is over.
    pub async fn run_task(&self, path: &str, document: Value) -> Result<Task> {
        let task = self.start_task(path, document).await?;
        self.wait(&task).await
    }

    /// Asks a task to stop.
    pub async fn cancel(&self, task: &str) -> Result<Reply> {
        self.patch(task, json!({"state": "canceled"})).await
    }

    async fn wait_until(&self, task: &str, is_reached: impl Fn(&str) -> bool) -> Result<Task> {
        ensure!(!task.is_empty(), "there is no task to wait for");
        let started = Instant::now();
        loop {
            let document = self.get(task).await?.ok()?;
            if is_reached(text(&document["state"])) {
                return Ok(Task(document));
            }
            if started.elapsed() > LONGEST {
                return Err(anyhow::anyhow!("{document}")).context("the task takes too long");
            }
            sleep(POLL).await;
        }
    }
}
