//! A Galaxy server: where its lists are, and what they say.

use std::cell::Cell;

use pith_plugin_sdk::{BodyReader, Error, Remote, Request, Result};
use serde::de::DeserializeOwned;

use super::answers::{CollectionItem, Detail, DocsBlob, Page, Published, Root, VersionItem};
use crate::namespace::Namespace;

/// What an answer may have at most: a list of hundred collections is a tenth of it.
const MAX_ANSWER: u64 = 4 << 20;

/// With `FILES.json` inside, of the largest collection that an upload may have.
const MAX_DETAIL: u64 = 40 << 20;

/// Pages of a list; Galaxy itself has some hundreds.
const MAX_PAGES: usize = 10_000;

/// As many entries as servers give at a time.
const PAGE_SIZE: usize = 100;

/// Gets documents by their addresses.
pub(super) trait Documents {
    /// The JSON document at an address.
    fn get<T: DeserializeOwned>(&self, url: &str, max_size: u64) -> Result<T>;
}

impl Documents for &Remote {
    fn get<T: DeserializeOwned>(&self, url: &str, max_size: u64) -> Result<T> {
        let body = self.open(&Request {
            url: url.to_owned(),
            conditional: false,
            max_size,
            digest: None,
        })?;
        serde_json::from_reader(BodyReader::new(&body)).map_err(|error| read_error(url, error))
    }
}

/// The host's errors come through; others are the upstream's fault.
fn read_error(url: &str, error: serde_json::Error) -> Error {
    if error.is_io() {
        return Error::from(std::io::Error::from(error));
    }
    Error::upstream(format!(
        "GET {url}: the answer is not what Galaxy servers give: {error}"
    ))
}

/// A server whose version 3 of the API was found.
#[derive(Debug)]
pub(super) struct Server<D> {
    documents: D,
    /// Ends with a slash.
    v3: String,
    /// How many documents were asked for.
    asked: Cell<u64>,
}

impl<D: Documents> Server<D> {
    /// Finds the API at an address, or in the folder `api/` below it.
    pub(super) fn find(documents: D, root: &str) -> Result<Self> {
        let mut root = with_slash(root);
        let found = match documents.get::<Root>(&root, MAX_ANSWER) {
            Err(error) if !root.ends_with("/api/") => {
                let below = format!("{root}api/");
                // The error of the address that was given says more to whoever gave it.
                let found = documents.get::<Root>(&below, MAX_ANSWER);
                root = below;
                found.map_err(|_| error)
            }
            found => found,
        }?;
        let v3 = found.available_versions.get("v3").ok_or_else(|| {
            Error::upstream(format!(
                "GET {root}: the server has no version 3 of the API of Galaxy"
            ))
        })?;
        let v3 = if v3.starts_with('/') || v3.contains("://") {
            with_slash(v3)
        } else {
            with_slash(&format!("{root}{v3}"))
        };
        Ok(Self {
            documents,
            v3,
            asked: Cell::new(0),
        })
    }

    /// When its content last changed, where it says so.
    pub(super) fn published(&self) -> Option<String> {
        let published: Published = self.get(&self.v3, MAX_ANSWER).ok()?;
        published.published
    }

    /// How many documents were asked for so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.get()
    }

    /// All collections, one after the other.
    pub(super) fn collections(&self, each: impl FnMut(CollectionItem) -> Result<()>) -> Result<()> {
        self.pages(&format!("{}collections/", self.v3), each)
    }

    /// One collection.
    pub(super) fn collection(&self, namespace: &str, name: &str) -> Result<CollectionItem> {
        self.get(&self.of_collection(namespace, name), MAX_ANSWER)
    }

    /// The versions of a collection, one after the other.
    pub(super) fn versions(
        &self,
        namespace: &str,
        name: &str,
        each: impl FnMut(VersionItem) -> Result<()>,
    ) -> Result<()> {
        let url = format!("{}versions/", self.of_collection(namespace, name));
        self.pages(&url, each)
    }

    /// All that is known of a version, and where that was read.
    pub(super) fn version(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
    ) -> Result<(String, Detail)> {
        let url = self.of_version(namespace, name, version);
        let detail = self.get(&url, MAX_DETAIL)?;
        Ok((url, detail))
    }

    /// The documentation of a version.
    pub(super) fn docs_blob(&self, namespace: &str, name: &str, version: &str) -> Result<DocsBlob> {
        let url = format!("{}docs-blob/", self.of_version(namespace, name, version));
        self.get(&url, MAX_DETAIL)
    }

    /// Scheme and host of the server, without a slash at the end.
    pub(super) fn origin(&self) -> &str {
        let host = self.v3.find("://").map_or(0, |at| at + 3);
        let end = self.v3[host..].find('/').map(|at| host + at);
        &self.v3[..end.unwrap_or(self.v3.len())]
    }

    /// What a namespace says of itself.
    pub(super) fn namespace(&self, name: &str) -> Result<Namespace> {
        self.get(&format!("{}namespaces/{name}/", self.v3), MAX_ANSWER)
    }

    fn of_collection(&self, namespace: &str, name: &str) -> String {
        format!("{}collections/{namespace}/{name}/", self.v3)
    }

    fn of_version(&self, namespace: &str, name: &str, version: &str) -> String {
        let collection = self.of_collection(namespace, name);
        format!("{collection}versions/{version}/")
    }

    fn get<T: DeserializeOwned>(&self, url: &str, max_size: u64) -> Result<T> {
        self.asked.set(self.asked.get() + 1);
        self.documents.get(url, max_size)
    }

    fn pages<T: DeserializeOwned>(
        &self,
        first: &str,
        mut each: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let mut url = format!("{first}?limit={PAGE_SIZE}");
        for _ in 0..MAX_PAGES {
            let page: Page<T> = self.get(&url, MAX_ANSWER)?;
            page.data.into_iter().try_for_each(&mut each)?;
            match page.links.next {
                None => return Ok(()),
                Some(next) if next == url => {
                    return Err(Error::upstream(format!(
                        "GET {url}: the next page is the same"
                    )));
                }
                Some(next) => url = next,
            }
        }
        Err(Error::limit(format!(
            "GET {first}: the list has more than {MAX_PAGES} pages"
        )))
    }
}

fn with_slash(url: &str) -> String {
    format!("{}/", url.trim_end_matches('/'))
}
