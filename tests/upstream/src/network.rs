//! A network of channels as Oracle has one: a login by XML-RPC gives a key, and the key opens
//! held repositories.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, StatusCode};

use crate::answer::{Answer, text, typed};

/// Who may log in at `/network/`.
pub const NETWORK_USER: &str = "owner@example.com";
/// Their password, which has characters that XML has another meaning for.
pub const NETWORK_PASSWORD: &str = "<secret> & 4c1e";

/// The sessions of a network.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// How many were begun.
    begun: AtomicUsize,
    /// How many of them were ended.
    ended: AtomicUsize,
}

impl Network {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn end_all(&self) {
        self.ended.store(self.begun(), Ordering::SeqCst);
    }

    /// Answers a call. A refusal repeats what it was given, as a careless server's does.
    pub(crate) fn answer(&self, call: &str) -> Answer {
        let escaped = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
        };
        let is_right = ["auth.login", NETWORK_USER, NETWORK_PASSWORD]
            .iter()
            .all(|word| call.contains(&format!(">{}<", escaped(word))));
        let inside = if is_right {
            let key = key(self.begun.fetch_add(1, Ordering::SeqCst) + 1);
            format!("<params><param><value><string>{key}</string></value></param></params>")
        } else {
            let repeated = escaped(call);
            format!(
                "<fault><value><struct><member><name>faultString</name>\
                 <value><string>{repeated}</string></value></member></struct></value></fault>"
            )
        };
        let answer = format!("<?xml version='1.0'?>\n<methodResponse>{inside}</methodResponse>");
        typed(StatusCode::OK, "text/xml", answer)
    }

    /// The answer of the door of the channels; none when it is open.
    pub(crate) fn refusal(&self, headers: &HeaderMap) -> Option<Answer> {
        let begun = self.begun();
        let is_open = begun > self.ended.load(Ordering::SeqCst)
            && headers
                .get("x-uln-api-user-key")
                .is_some_and(|value| value.as_bytes() == key(begun).as_bytes());
        (!is_open).then(|| text(StatusCode::UNAUTHORIZED, "log in first"))
    }
}

/// As long as the real ones.
fn key(number: usize) -> String {
    format!("session-{number:035}")
}
