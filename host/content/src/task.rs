//! What a plugin's call sees of the task it runs for.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::Services;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signing::{self, verify};

/// What may be signed, or checked, at once; it is given as a list of bytes.
const MAX_SIGNED: usize = 16 << 20;

/// One task, as a plugin sees it; cheap to clone.
#[derive(Clone, Debug)]
pub struct TaskHandle {
    params: Arc<Value>,
    /// Its reports.
    pub progress: Progress,
    checkpoint: Option<Arc<Value>>,
    /// What signs, and the services that may be asked.
    signing: Option<(Services, Arc<[String]>)>,
    new_checkpoint: Arc<Mutex<Option<Value>>>,
}

impl TaskHandle {
    /// A task with checked parameters.
    pub fn new(params: Value, progress: Progress, checkpoint: Option<Value>) -> Self {
        Self {
            params: Arc::new(params),
            progress,
            checkpoint: checkpoint.map(Arc::new),
            signing: None,
            new_checkpoint: Arc::default(),
        }
    }

    /// Lets it have bytes signed by these services, and by no other.
    #[must_use]
    pub fn signing(self, services: Services, allowed: Vec<String>) -> Self {
        Self {
            signing: Some((services, allowed.into())),
            ..self
        }
    }

    /// Has a signing service sign bytes: the signature, armored.
    pub async fn sign(&self, bytes: &[u8], name: &str, service: &str) -> Result<String> {
        let allowed = self.signing.as_ref();
        let allowed = allowed.filter(|(_, allowed)| allowed.iter().any(|one| one == service));
        let Some((services, _)) = allowed else {
            return Err(Error::denied(format!(
                "no parameter of the format `signing-service` holds {service:?}"
            )));
        };
        if !signing::is_file_name(name) {
            return Err(Error::invalid(format!(
                "{name:?} is no name of a file to be signed"
            )));
        }
        check_length(bytes)?;
        let signed = signing::sign_bytes(services, service, name, bytes).await?;
        String::from_utf8(signed.signature)
            .map_err(|_| Error::invalid("the signing service made a signature that is no text"))
    }

    /// Checks a signature of bytes; the fingerprint of the key that made it.
    pub async fn verify(&self, bytes: &[u8], signature: &str, keys: &str) -> Result<String> {
        check_length(bytes)?;
        verify::verify(bytes, signature, keys).await
    }

    /// Checked, defaults filled in.
    pub fn params(&self) -> &Value {
        &self.params
    }

    /// What an earlier run left, if it still holds.
    pub fn checkpoint(&self) -> Option<&Value> {
        self.checkpoint.as_deref()
    }

    /// Kept if the task succeeds.
    pub fn set_checkpoint(&self, value: Value) {
        *self
            .new_checkpoint
            .lock()
            .expect("nobody panics while holding it") = Some(value);
    }

    /// What is to be kept.
    pub fn take_checkpoint(&self) -> Option<Value> {
        self.new_checkpoint
            .lock()
            .expect("nobody panics while holding it")
            .take()
    }
}

fn check_length(bytes: &[u8]) -> Result<()> {
    if bytes.len() > MAX_SIGNED {
        return Err(Error::limit(format!(
            "{} bytes are more than the {MAX_SIGNED} that can be signed",
            bytes.len()
        )));
    }
    Ok(())
}
