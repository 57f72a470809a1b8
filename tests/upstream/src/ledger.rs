//! What the upstream was asked for, and how much of it at one time.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Request};

/// One request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path without the query, as it was sent.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
    /// The query, without its question mark.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
}

#[derive(Debug, Default)]
struct State {
    recorded: Vec<RecordedRequest>,
    in_flight: usize,
    peak_in_flight: usize,
}

/// The requests since the start, or since they were last forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

impl Ledger {
    /// Enters a request. It counts as in flight until the entry is dropped.
    pub(crate) fn enter<B>(&self, request: &Request<B>) -> Entry {
        let header = |name| {
            let value = request.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let recorded = RecordedRequest {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            authorization: header(http::header::AUTHORIZATION),
            if_none_match: header(http::header::IF_NONE_MATCH),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
        };
        self.with(|state| {
            state.recorded.push(recorded);
            state.in_flight += 1;
            state.peak_in_flight = state.peak_in_flight.max(state.in_flight);
        });
        Entry(self.clone())
    }

    /// How often the path of this request was entered, itself included.
    pub(crate) fn times_asked(&self, path: &str) -> usize {
        self.count(|request| request.path == path)
    }

    pub(crate) fn count(&self, matches: impl Fn(&RecordedRequest) -> bool) -> usize {
        self.with(|state| {
            state
                .recorded
                .iter()
                .filter(|request| matches(request))
                .count()
        })
    }

    pub(crate) fn recorded(&self) -> Vec<RecordedRequest> {
        self.with(|state| state.recorded.clone())
    }

    pub(crate) fn peak_in_flight(&self) -> usize {
        self.with(|state| state.peak_in_flight)
    }

    pub(crate) fn forget(&self) {
        self.with(|state| {
            state.recorded.clear();
            state.peak_in_flight = state.in_flight;
        });
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Entry(Ledger);

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.with(|state| state.in_flight -= 1);
    }
}
