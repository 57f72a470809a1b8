//! A request, and how its answer is found out.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pith_plugin_sdk::server::{Request, Response};
use pith_plugin_sdk::{Api, Error, Result, Site};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is meant where nothing is said: the base path that automation expects.
pub(super) const DEFAULT_BASE_PATH: &str = "published";

/// A request with what it may use.
pub(super) struct Asked<'a> {
    api: &'a Api,
    pub(super) request: &'a Request,
}

impl<'a> Asked<'a> {
    pub(super) fn new(api: &'a Api, request: &'a Request) -> Self {
        Self { api, request }
    }

    /// The base path that the request is about: the address names it, or the server's own
    /// address does, or it is the default.
    pub(super) fn base_path(&self) -> &str {
        let named = ["base_path", "path"].map(|name| self.request.variable(name));
        named
            .into_iter()
            .find(|value| !value.is_empty())
            .unwrap_or(DEFAULT_BASE_PATH)
    }

    /// What is served at a base path.
    pub(super) fn open(&self, base_path: &str) -> Result<Site> {
        Ok(self.api.site(base_path)?)
    }

    /// What is served at the request's base path.
    pub(super) fn site(&self) -> Result<Site> {
        self.open(self.base_path())
    }

    /// The same for roles: what names no repository has none until one is served.
    pub(super) fn site_of_roles(&self) -> Result<Option<Site>> {
        match self.site() {
            Ok(site) => Ok(Some(site)),
            Err(_) if self.request.variable("path").is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The address of this API without the origin and without a slash at the end.
    pub(super) fn root(&self) -> &str {
        let root = &self.request.root;
        let root = root.strip_prefix(&self.request.origin).unwrap_or(root);
        let shorter = [
            "/v3/plugin",
            "/v3/plugins",
            "/v3/plugin/ansible",
            "/v3/plugins/ansible",
        ];
        shorter
            .iter()
            .find_map(|end| root.strip_suffix(end))
            .unwrap_or(root)
    }

    /// The address of the collections at a base path, without a slash at the end.
    pub(super) fn collections_at(&self, base_path: &str) -> String {
        let base_path = encode_path(base_path);
        format!("{}/v3/plugin/ansible/collections/{base_path}", self.root())
    }

    /// The address of a distribution.
    pub(super) fn distribution_at(&self, base_path: &str) -> String {
        let base_path = encode_path(base_path);
        format!(
            "{}/v3/plugin/ansible/distributions/{base_path}/",
            self.root()
        )
    }

    /// Asks the host; anything but success becomes the answer.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let written = self.written(method, path, body)?;
        Ok(serde_json::from_str(&written).unwrap_or(Value::Null))
    }

    /// The same as the host wrote it.
    pub(super) fn written(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, Refused> {
        let body = body.map(Value::to_string);
        let answer = self
            .api
            .call(method, path, body.as_deref())
            .map_err(Error::from)?;
        if answer.status < 300 {
            return Ok(answer.body);
        }
        let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        Err(Refused::Answered(answer.status, value))
    }

    /// The repository that is served, for who wants to change it: whoever may not even see
    /// it knows of it by what it serves, and so is refused rather than told that it is absent.
    pub(super) fn repository(&self, site: &Site) -> Result<Value, Refused> {
        let config = config(site);
        let path = below_root(&config["repository"]).ok_or_else(|| {
            Error::conflict(
                "what is served here is one version of a repository, which does not change",
            )
        })?;
        match self.call("GET", path, None) {
            Err(Refused::Answered(404, _)) => Err(Refused::Answered(
                403,
                json!({"detail": "You do not have permission to perform this action."}),
            )),
            outcome => outcome,
        }
    }

    /// The JSON body of the request.
    pub(super) fn body(&self) -> Value {
        let body = self.request.body.as_deref().unwrap_or("null");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

/// What a distribution is, as the host shows it.
pub(super) fn config(site: &Site) -> Value {
    serde_json::from_str(&site.config()).unwrap_or(Value::Null)
}

/// Units of what is served that pass filters.
pub(super) fn units(site: &Site, content_type: &str, filters: &[(&str, &str)]) -> Result<Value> {
    read(&written_units(site, content_type, filters)?)
}

/// The same as the host wrote them, for those of which most is only handed on.
pub(super) fn written_units(
    site: &Site,
    content_type: &str,
    filters: &[(&str, &str)],
) -> Result<String> {
    let query: Vec<String> = filters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    Ok(site.units(content_type, &query.join("&"))?)
}

/// A page of a list of the host's.
#[derive(Deserialize)]
pub(super) struct Listed<T> {
    pub(super) count: u64,
    pub(super) results: Vec<T>,
}

/// Reads what the host wrote.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("a list is no such JSON: {error}")))
}

/// The results of a list.
pub(super) fn results(list: &Value) -> &[Value] {
    list["results"].as_array().map_or(&[], Vec::as_slice)
}

/// Why the host did not do what it was asked.
pub(super) enum Refused {
    /// It said so.
    Answered(u16, Value),
    /// It could not be asked.
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Refused {
    /// The answer, in Galaxy's form.
    pub(super) fn answer(self) -> Result<Response> {
        match self {
            Self::Failed(error) => Err(error),
            Self::Answered(status, body) => Response::json(status, &errors(status, &body)),
        }
    }
}

/// Makes an answer of an outcome.
pub(super) fn answer(status: u16, outcome: Result<Value, Refused>) -> Result<Response> {
    match outcome {
        Ok(body) => Response::json(status, &body),
        Err(refused) => refused.answer(),
    }
}

/// The host's own errors as Galaxy has them.
fn errors(status: u16, body: &Value) -> Value {
    let mut errors = Vec::new();
    let mut note = |detail: &str, field: Option<&str>| {
        let mut error = json!({
            "status": status.to_string(), "code": code(status), "title": detail, "detail": detail,
        });
        if let Some(field) = field {
            error["source"] = json!({"parameter": field});
        }
        errors.push(error);
    };
    match body.as_object() {
        Some(fields) => {
            for (field, said) in fields {
                let field = (field != "detail").then_some(field.as_str());
                match said {
                    Value::Array(list) => {
                        for one in list {
                            note(one.as_str().unwrap_or_default(), field);
                        }
                    }
                    other => note(other.as_str().unwrap_or_default(), field),
                }
            }
        }
        None => note("The request was refused.", None),
    }
    json!({"errors": errors})
}

fn code(status: u16) -> &'static str {
    match status {
        400 => "invalid",
        401 => "not_authenticated",
        403 => "permission_denied",
        404 => "not_found",
        409 => "conflict",
        429 => "throttled",
        _ => "error",
    }
}

/// What stays as it is in a value of a query string.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &VALUE.remove(b'/');

/// Writes a value of a query string.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// Writes a path of several segments.
pub(super) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// The last word of an href: the UUID of what it leads to.
pub(super) fn id_of(href: &Value) -> &str {
    last_word(href.as_str().unwrap_or_default())
}

/// The same of an href that is no value of JSON.
pub(super) fn last_word(href: &str) -> &str {
    href.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

/// An href of the host as a path below its root.
pub(super) fn below_root(href: &Value) -> Option<&str> {
    href.as_str()?.strip_prefix("/pulp/api/v3/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_and_paths_are_written() {
        assert_eq!(encode("a b&c=é/"), "a%20b%26c%3D%C3%A9%2F");
        assert_eq!(encode_path("a b/c"), "a%20b/c");
    }

    #[test]
    fn refusals_of_the_host_become_errors_of_galaxy() {
        let of_field = errors(400, &json!({"name": ["Too long.", "Strange."]}));
        assert_eq!(of_field["errors"][1]["detail"], "Strange.");
        assert_eq!(of_field["errors"][0]["source"]["parameter"], "name");
        let whole = errors(404, &json!({"detail": "Not found."}));
        assert_eq!(whole["errors"][0]["code"], "not_found");
        assert_eq!(whole["errors"][0]["status"], "404");
        assert!(whole["errors"][0].get("source").is_none());
    }

    #[test]
    fn hrefs_are_taken_apart() {
        let href = json!("/pulp/api/v3/tasks/abc/");
        assert_eq!(id_of(&href), "abc");
        assert_eq!(below_root(&href), Some("tasks/abc/"));
        assert_eq!(below_root(&Value::Null), None);
    }
}
