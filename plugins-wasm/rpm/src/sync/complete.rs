//! `mirror_complete`: the upstream's own indexes are published, byte for byte, with whatever
//! vouches for them.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

use pith_plugin_sdk::{
    Body, Changes, Error, ErrorCode, Link, Publication, Result, Sink, Staging, UnitDraft, UnitLink,
    UnitRef, relative_path,
};
use serde_json::{Map, Value, json};

use super::start::Start;
use super::upstream::Upstream;
use crate::client_config;
use crate::repomd::Repomd;

/// A signature or a key.
const MAX_SIGNATURE: u64 = 1 << 20;

/// Deltas, whose packages are no content here.
const DELTAS: &[&str] = &["prestodelta", "deltainfo"];

const SIGNATURE: &str = "repodata/repomd.xml.asc";
const KEY: &str = "repodata/repomd.xml.key";

/// The publication of an upstream's own indexes, in the making.
pub(super) struct Complete {
    publication: Publication,
    repo_config: Map<String, Value>,
    kept: RefCell<HashSet<String>>,
    /// Where the packages are that are not staged yet, in order: upstream, and here.
    places: RefCell<VecDeque<(String, String)>>,
}

impl Complete {
    pub(super) fn begin(
        next: &Changes,
        start: &Start,
        repomd: &Repomd,
        repo_config: &Map<String, Value>,
    ) -> Result<Self> {
        for data in &repomd.data {
            if DELTAS.contains(&data.kind.as_str()) {
                return Err(incompatible("it has deltas of packages"));
            }
            if data.base.is_some() {
                return Err(incompatible(&format!("{} is elsewhere", data.href)));
            }
            check_place(&data.href)?;
        }
        let settings = json!({ "repo_config": repo_config });
        let complete = Self {
            publication: next.publish(&settings.to_string())?,
            repo_config: repo_config.clone(),
            kept: RefCell::default(),
            places: RefCell::default(),
        };
        complete.keep("repodata/repomd.xml", &start.body)?;
        // Most upstreams have packages where they are published here too.
        complete.publication.pass_through();
        Ok(complete)
    }

    /// Publishes a file as it came.
    pub(super) fn keep(&self, href: &str, body: &Body) -> Result<()> {
        if self.kept.borrow_mut().insert(href.to_owned()) {
            self.publication.link(&[Link {
                path: href.to_owned(),
                artifact: body.keep()?,
                media_type: None,
            }])?;
        }
        Ok(())
    }

    /// Notes where the upstream has a package that is staged next.
    pub(super) fn expect(&self, place: (String, String)) {
        self.places.borrow_mut().push_back(place);
    }

    /// Publishes packages where the upstream has them: each with the places there and here.
    pub(super) fn place(
        &self,
        units: impl IntoIterator<Item = (UnitRef, (String, String))>,
    ) -> Result<()> {
        let links: Vec<UnitLink> = units
            .into_iter()
            .filter(|(_, (path, artifact))| path != artifact)
            .map(|(unit, (path, artifact))| UnitLink {
                path,
                unit,
                artifact,
            })
            .collect();
        if !links.is_empty() {
            self.publication.link_units(&links)?;
        }
        Ok(())
    }

    /// Fetches what was not read, and what vouches for the list of indexes.
    pub(super) fn finish(&self, upstream: &Upstream<'_>) -> Result<()> {
        for data in &upstream.repomd.data {
            if !self.kept.borrow().contains(&data.href) {
                upstream.fetch(data)?;
            }
        }
        for href in [SIGNATURE, KEY] {
            match upstream.fetch_file(href, MAX_SIGNATURE, None) {
                Ok(body) => self.keep(href, &body)?,
                // Some stores of objects deny what they do not have.
                Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::Denied) => {}
                Err(error) => return Err(error),
            }
        }
        let kept = self.kept.borrow();
        let mut repo_config = self.repo_config.clone();
        if !kept.contains(SIGNATURE) {
            repo_config.insert("repo_gpgcheck".into(), 0.into());
        }
        self.publication
            .fill(&client_config::template(&repo_config, kept.contains(KEY)))?;
        Ok(())
    }
}

pub(super) fn check_place(href: &str) -> Result<()> {
    relative_path::check(href).map_err(|error| incompatible(&error.to_string()))
}

/// What no complete mirror can be made of.
pub(super) fn incompatible(why: &str) -> Error {
    Error::invalid(format!(
        "the repository cannot be mirrored with `mirror_complete`: {why}; \
         `mirror_content_only` makes indexes of its own"
    ))
}

/// Stages packages, and publishes them where the upstream has them.
pub(super) struct Placing<'a> {
    pub(super) staging: &'a Staging,
    pub(super) next: &'a Changes,
    pub(super) complete: Option<&'a Complete>,
}

impl Sink for Placing<'_> {
    fn put(&mut self, drafts: &[UnitDraft]) -> Result<Vec<UnitRef>> {
        let units = self.staging.put(drafts)?;
        if let Some(complete) = self.complete {
            let mut places = complete.places.borrow_mut();
            let places = places.drain(..units.len());
            complete.place(units.iter().copied().zip(places))?;
        }
        Ok(units)
    }

    fn add(&mut self, units: &[UnitRef]) -> Result<()> {
        Ok(self.next.add(units)?)
    }
}
