//! How a task's results become visible: in the one transaction that ends the task.

use async_trait::async_trait;
use pith_content::Services;
use pith_content::error::Result;
use pith_db::Connection;
use serde_json::{Value, json};

/// Something that a task made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    /// Below an API root.
    pub(crate) path: String,
    /// Its PRN.
    pub(crate) prn: String,
}

impl Created {
    pub(crate) fn json(list: &[Self]) -> Value {
        list.iter()
            .map(|one| json!({"path": one.path, "prn": one.prn}))
            .collect()
    }
}

/// What is to be shown of a task that ended well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) created: Vec<Created>,
    pub(crate) result: Option<Value>,
}

/// Prepared results. They may be committed more than once, if another transaction comes
/// in between.
#[async_trait]
pub(crate) trait Commit: Send + Sync {
    /// Whether there is anything to make visible that must survive a power loss.
    fn is_durable(&self) -> bool {
        true
    }

    /// Makes the results visible.
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome>;

    /// Called after the commit.
    async fn committed(&self, _services: &Services) {}
}

/// Nothing to make visible: all was done, or nothing had to be.
#[derive(Debug, Default)]
pub(crate) struct Done(pub(crate) Outcome);

#[async_trait]
impl Commit for Done {
    fn is_durable(&self) -> bool {
        false
    }

    async fn commit(&self, _connection: &mut Connection) -> Result<Outcome> {
        Ok(self.0.clone())
    }
}
