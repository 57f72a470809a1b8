//! Deprecations: collections that nobody should use any longer.

use pith_plugin_sdk::{Error, Result, UnitDraft};
use serde::Deserialize;
use serde_json::json;

use crate::{COLLECTION_DEPRECATION, name};

/// The collection, as a client names it.
#[derive(Debug, Deserialize)]
pub(crate) struct Deprecated {
    namespace: String,
    name: String,
}

impl Deprecated {
    /// The draft of the deprecation.
    pub(crate) fn draft(&self) -> Result<UnitDraft> {
        for (field, text) in [("namespace", &self.namespace), ("name", &self.name)] {
            if let Some(problem) = name::problem(text) {
                return Err(Error::invalid(format!("{field}: {problem}")));
            }
        }
        let fields = json!({"namespace": self.namespace, "name": self.name});
        Ok(UnitDraft {
            content_type: COLLECTION_DEPRECATION.into(),
            fields: fields.to_string(),
            artifacts: Vec::new(),
            fragments: Vec::new(),
            terms: Vec::new(),
        })
    }
}
