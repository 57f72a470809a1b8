//! Reads the JSON that the host hands over into types of the plugin's own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Remote, Result, Task, Unit};

impl Task {
    /// The task's parameters; the host checked them against the task type's schema.
    pub fn params_as<T: DeserializeOwned>(&self) -> Result<T> {
        decode("the task's parameters", &self.params())
    }

    /// What an earlier run left, if a build of the plugin that writes it so left it.
    pub fn checkpoint_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.checkpoint()?).ok()
    }

    /// Leaves `value` for the next run, if this one succeeds.
    pub fn set_checkpoint_to<T: Serialize>(&self, value: &T) -> Result<()> {
        Ok(self.set_checkpoint(&encode("the checkpoint", value)?)?)
    }
}

impl Remote {
    /// The remote's settings.
    pub fn config_as<T: DeserializeOwned>(&self) -> Result<T> {
        decode("the remote's settings", &self.config())
    }
}

impl Unit {
    /// The unit's fields.
    pub fn fields_as<T: DeserializeOwned>(&self) -> Result<T> {
        decode("a unit's fields", &self.fields)
    }
}

// `internal`: the host checked these documents against the plugin's own schemas, so a
// misfit is a mistake in the plugin and not in what a user gave.
fn decode<T: DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::internal(format!("{what} do not fit: {error}")))
}

fn encode<T: Serialize>(what: &str, value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("{what} cannot be written as JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_the_document() {
        let error = decode::<u8>("the task's parameters", "\"x\"").expect_err("no number");
        assert!(
            error
                .to_string()
                .starts_with("the task's parameters do not fit: invalid type"),
            "{error}"
        );
    }
}
