//! Lists in Galaxy's form: how many there are, where the other pages are, and one page.

use pith_plugin_sdk::server::{Request, Response};
use pith_plugin_sdk::{Error, Result};
use serde::Serialize;

use super::asked::encode;

/// How many are shown if nothing is said, and at most: the client asks for 100.
const DEFAULT_LIMIT: u64 = 10;
const MOST: u64 = 100;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: u64,
    pub(super) offset: u64,
}

impl Page {
    pub(super) fn of(request: &Request) -> Result<Self> {
        let number = |name: &str| match request.parameter(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse::<u32>().map(u64::from).map(Some).map_err(|_| {
                Error::invalid(format!("{name}: a number was expected, not {text:?}"))
            }),
        };
        let limit = number("limit")?.filter(|limit| *limit > 0);
        Ok(Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT).min(MOST),
            offset: number("offset")?.unwrap_or(0),
        })
    }

    /// The same as filters of the host's lists.
    pub(super) fn filters(self) -> [(&'static str, String); 2] {
        [
            ("limit", self.limit.to_string()),
            ("offset", self.offset.to_string()),
        ]
    }
}

/// A page, as it is written: no tree is built of what is long.
#[derive(Serialize)]
struct Body<'a, T> {
    meta: Meta,
    links: Links,
    data: &'a [T],
}

#[derive(Serialize)]
struct Meta {
    count: u64,
}

#[derive(Serialize)]
struct Links {
    first: String,
    previous: Option<String>,
    next: Option<String>,
    last: String,
}

/// Writes a page; `path` is the list's own address without the origin.
pub(super) fn answer(
    request: &Request,
    path: &str,
    page: Page,
    count: u64,
    data: &[impl Serialize],
) -> Result<Response> {
    let mut others = String::new();
    for (name, value) in &request.query {
        if name != "limit" && name != "offset" {
            others.extend(["&", &encode(name), "=", &encode(value)]);
        }
    }
    let Page { limit, offset } = page;
    let link = |offset: u64| format!("{path}?limit={limit}&offset={offset}{others}");
    let last = count.saturating_sub(1) / limit * limit;
    let next = (offset + limit < count).then(|| link(offset + limit));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
    let body = Body {
        meta: Meta { count },
        links: Links {
            first: link(0),
            previous,
            next,
            last: link(last),
        },
        data,
    };
    Response::json(200, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request(query: &[(&str, &str)]) -> Request {
        let query = query.iter();
        Request {
            route: 0,
            variables: Vec::new(),
            root: String::new(),
            origin: String::new(),
            query: query.map(|(a, b)| ((*a).into(), (*b).into())).collect(),
            body: None,
            file: None,
            user: None,
        }
    }

    #[test]
    fn pages_lead_to_one_another() {
        let request = request(&[("limit", "2"), ("offset", "2"), ("q", "a b")]);
        let page = Page::of(&request).expect("a page");
        let response = answer(&request, "/x/", page, 5, &[json!(1)]).expect("an answer");
        let body: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(body["meta"]["count"], 5);
        assert_eq!(body["links"]["first"], "/x/?limit=2&offset=0&q=a%20b");
        assert_eq!(body["links"]["previous"], "/x/?limit=2&offset=0&q=a%20b");
        assert_eq!(body["links"]["next"], "/x/?limit=2&offset=4&q=a%20b");
        assert_eq!(body["links"]["last"], "/x/?limit=2&offset=4&q=a%20b");
    }

    #[test]
    fn a_page_has_bounds() {
        let of = |query: &[(&str, &str)]| Page::of(&request(query));
        assert_eq!(
            of(&[]),
            Ok(Page {
                limit: 10,
                offset: 0
            })
        );
        assert_eq!(of(&[("limit", "5000")]).expect("a page").limit, 100);
        assert_eq!(of(&[("limit", "0")]).expect("a page").limit, 10);
        assert!(of(&[("offset", "-1")]).is_err());
    }
}
