//! Addresses of a plugin's own: the words of the contract, and short ways to say them.

pub use crate::bindings::exports::serve::exports::pith::plugin::server::{
    Access, Input, Mount, Request, Response, Route, Routing, Upload,
};

use crate::{Error, Result};

impl Request {
    /// The value of a variable of the path; empty if there is none of that name.
    #[must_use]
    pub fn variable(&self, name: &str) -> &str {
        value(&self.variables, name).unwrap_or_default()
    }

    /// The first value of a name in the query string.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let pair = pairs.iter().find(|(key, _)| key == name)?;
    Some(&pair.1)
}

impl Response {
    /// JSON.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::internal(format!("the answer is no JSON: {error}")))?;
        Ok(Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body,
        })
    }

    /// Says where to ask instead.
    #[must_use]
    pub fn redirect(status: u16, location: String) -> Self {
        Self {
            status,
            headers: vec![("location".into(), location)],
            body: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_its_variables_and_parameters() {
        let pairs = |name: &str| vec![(name.to_owned(), "one".to_owned())];
        let request = Request {
            route: 0,
            variables: pairs("path"),
            root: String::new(),
            origin: String::new(),
            query: pairs("limit"),
            body: None,
            file: None,
            user: None,
        };
        assert_eq!(request.variable("path"), "one");
        assert_eq!(request.variable("name"), "");
        assert_eq!(request.parameter("limit"), Some("one"));
        assert_eq!(request.parameter("offset"), None);
    }

    #[test]
    fn answers_say_what_they_are() {
        let answer = Response::json(201, &["a"]).expect("JSON");
        assert_eq!((answer.status, &*answer.body), (201, &b"[\"a\"]"[..]));
        let elsewhere = Response::redirect(301, "/there".into());
        assert_eq!(elsewhere.headers, [("location".into(), "/there".into())]);
    }
}
