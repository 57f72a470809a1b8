//! The steps that tests of the file plugin are made of.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::api::Api;
use crate::multipart::Form;
use crate::reply::{href, text};
use crate::task::Task;

/// The order in which the names of files are compared.
pub fn names_of(units: &[Value]) -> Vec<String> {
    let mut names: Vec<_> = units
        .iter()
        .map(|unit| text(&unit["relative_path"]).to_owned())
        .collect();
    names.sort();
    names
}

impl Api {
    /// A repository with the usual settings.
    pub async fn file_repository(&self, name: &str) -> Result<Value> {
        self.create("/repositories/file/file/", json!({"name": name}))
            .await
    }

    /// A repository that publishes each new version.
    pub async fn autopublishing_repository(&self, name: &str) -> Result<Value> {
        let settings = json!({"name": name, "autopublish": true});
        self.create("/repositories/file/file/", settings).await
    }

    /// A remote with a policy.
    pub async fn file_remote(&self, name: &str, url: &str, policy: &str) -> Result<Value> {
        let settings = json!({"name": name, "url": url, "policy": policy});
        self.create("/remotes/file/file/", settings).await
    }

    /// A remote that neither waits long nor tries often, for upstreams that are wrong.
    pub async fn impatient_remote(&self, name: &str, url: &str, policy: &str) -> Result<Value> {
        let settings = json!({
            "name": name, "url": url, "policy": policy,
            "max_retries": 1, "sock_connect_timeout": 2.0, "sock_read_timeout": 2.0,
        });
        self.create("/remotes/file/file/", settings).await
    }

    /// A sync, whatever its end.
    pub async fn try_sync(&self, repository: &Value, remote: &Value, mirror: bool) -> Result<Task> {
        let path = format!("{}sync/", href(repository));
        self.run_task(&path, json!({"remote": href(remote), "mirror": mirror}))
            .await
    }

    /// An additive sync that ends well.
    pub async fn sync(&self, repository: &Value, remote: &Value) -> Result<Task> {
        self.try_sync(repository, remote, false).await?.completed()
    }

    /// Adds and removes units, and gives the resulting version.
    pub async fn modify(&self, repository: &Value, change: Value) -> Result<Value> {
        let path = format!("{}modify/", href(repository));
        self.run_task(&path, change).await?.completed()?;
        self.latest_version(repository).await
    }

    /// The newest version of a repository.
    pub async fn latest_version(&self, repository: &Value) -> Result<Value> {
        let repository = self.get(&href(repository)).await?.ok()?;
        self.get(text(&repository["latest_version_href"]))
            .await?
            .ok()
    }

    /// The number of the newest version.
    pub async fn latest_number(&self, repository: &Value) -> Result<u64> {
        let version = self.latest_version(repository).await?;
        version["number"]
            .as_u64()
            .with_context(|| format!("no number: {version}"))
    }

    /// The files of a version.
    pub async fn files_in(&self, version: &Value) -> Result<Vec<Value>> {
        let version = href(version);
        self.list(&format!(
            "/content/file/files/?limit=1000&repository_version={version}"
        ))
        .await
    }

    /// Uploads a file as a unit, in a repository if one is given.
    pub async fn upload_file(
        &self,
        relative_path: &str,
        bytes: &[u8],
        repository: Option<&Value>,
    ) -> Result<Value> {
        let mut form =
            Form::new()
                .text("relative_path", relative_path)
                .file("file", "upload.bin", bytes);
        if let Some(repository) = repository {
            form = form.text("repository", &href(repository));
        }
        let reply = self.post_form("/content/file/files/", form).await?;
        let task = self.finish(reply).await?.completed()?;
        self.get(&task.created_one("/content/file/files/")?)
            .await?
            .ok()
    }

    /// Publishes the newest version of a repository.
    pub async fn publish(&self, repository: &Value) -> Result<Value> {
        let settings = json!({"repository": href(repository)});
        let task = self
            .run_task("/publications/file/file/", settings)
            .await?
            .completed()?;
        self.get(&task.created_one("/publications/")?).await?.ok()
    }

    /// Serves a repository below a base path, which is the distribution's name too; back
    /// when it is served, if it has a publication.
    pub async fn distribute(&self, base_path: &str, repository: &Value) -> Result<Value> {
        let settings =
            json!({"name": base_path, "base_path": base_path, "repository": href(repository)});
        let distribution = self.new_distribution(settings).await?;
        self.wait_until_served(base_path).await?;
        Ok(distribution)
    }

    /// A change is seen within a second; whoever wants to see that sees for himself.
    async fn wait_until_served(&self, base_path: &str) -> Result<()> {
        let path = format!("/pulp/content/{base_path}/");
        for _ in 0..50 {
            if self.anonymous().get(&path).await?.status() != 404 {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// A distribution with any settings.
    pub async fn new_distribution(&self, settings: Value) -> Result<Value> {
        let task = self
            .run_task("/distributions/file/file/", settings)
            .await?
            .completed()?;
        self.get(&task.created_one("/distributions/")?).await?.ok()
    }

    /// Deletes a resource, at once or by a task.
    pub async fn remove(&self, resource: &Value) -> Result<()> {
        let reply = self.delete(&href(resource)).await?;
        if reply.status() != 204 {
            self.finish(reply).await?.completed()?;
        }
        Ok(())
    }

    /// Changes a resource, at once or by a task, and reads it again.
    pub async fn change(&self, resource: &Value, settings: Value) -> Result<Value> {
        let reply = self.patch(&href(resource), settings).await?;
        if reply.status() != 200 {
            self.finish(reply).await?.completed()?;
        }
        self.get(&href(resource)).await?.ok()
    }

    /// A repository that mirrors an upstream, is published, and is served below its name.
    pub async fn mirrored(&self, name: &str, url: &str, policy: &str) -> Result<Mirrored> {
        let repository = self.autopublishing_repository(name).await?;
        let remote = self.file_remote(name, url, policy).await?;
        self.sync(&repository, &remote).await?;
        let distribution = self.distribute(name, &repository).await?;
        Ok(Mirrored {
            repository,
            remote,
            distribution,
        })
    }
}

/// What [`Api::mirrored`] made.
#[derive(Clone, Debug)]
pub struct Mirrored {
    /// Publishes by itself.
    pub repository: Value,
    /// Where it was synced from.
    pub remote: Value,
    /// Its base path is its name.
    pub distribution: Value,
}
