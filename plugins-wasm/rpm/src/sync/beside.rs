//! The two indexes beside `primary`, read in step with it.

use std::collections::HashMap;

use pith_plugin_sdk::{Error, Result, log};

use super::blame;
use super::packages::Elements;
use crate::primary;
use crate::repomd::Data;

/// Elements of `filelists` and `other` that came before their package: the indexes are
/// written in one order, so this is for the few that are not.
const MAX_WAITING: usize = 48 << 20;

/// An index with one element a package, in the order of `primary` or nearly so.
pub(super) struct Beside<'a> {
    elements: Elements<'a>,
    index: &'a Data,
    waiting: HashMap<String, String>,
    waiting_bytes: usize,
}

impl<'a> Beside<'a> {
    pub(super) fn new(elements: Elements<'a>, index: &'a Data) -> Self {
        Self {
            elements,
            index,
            waiting: HashMap::new(),
            waiting_bytes: 0,
        }
    }

    /// The element of a package, with a line feed; empty if there is none.
    pub(super) fn take(&mut self, package: &str) -> Result<String> {
        if let Some(element) = self.waiting.remove(package) {
            self.waiting_bytes -= element.len();
            return Ok(element);
        }
        loop {
            let next = self.elements.next_element();
            let Some(text) = next.map_err(|error| blame(error, self.index))? else {
                log::warn(&format!(
                    "{} has no entry of the package {package}",
                    self.index.href
                ));
                return Ok(String::new());
            };
            let Some(id) = primary::package_id(&text) else {
                continue;
            };
            let element = format!("{text}\n");
            if id == package {
                return Ok(element);
            }
            self.waiting_bytes += element.len();
            if self.waiting_bytes > MAX_WAITING {
                return Err(Error::invalid(format!(
                    "{} is in another order than the packages, by more than {MAX_WAITING} bytes",
                    self.index.href
                )));
            }
            if let Some(before) = self.waiting.insert(id, element) {
                self.waiting_bytes -= before.len();
            }
        }
    }
}
