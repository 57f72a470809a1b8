//! A session with a server of a remote's type: a key is asked for by XML-RPC with the remote's
//! name and password, and goes along with every request from then on.

use pith_db::remote::Settings;
use pith_model::login::Login;
use pith_model::remote::Secrets;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;
use url::Url;

use super::address::AddressPolicy;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::{client, parse_address, parse_url};
use crate::error::{Error, Result};

/// A session that is begun when it is needed.
#[derive(Debug)]
pub(super) struct Session {
    endpoint: Endpoint,
    call: String,
    key_length: Option<usize>,
    header: HeaderName,
    key: Mutex<Option<HeaderValue>>,
}

impl Session {
    pub(super) fn new(
        login: &Login,
        settings: &Settings,
        secrets: &Secrets,
        addresses: AddressPolicy,
    ) -> Result<Self> {
        let url = below(&server(login, settings)?, &login.calls);
        let (Some(username), Some(password)) = (&secrets.username, &secrets.password) else {
            return Err(Error::invalid(
                "the remote has no username or no password, which its type needs",
            ));
        };
        Ok(Self {
            call: call(&login.method, &[username, password]),
            key_length: login.key_length,
            header: HeaderName::try_from(login.header.as_str()).map_err(|_| {
                Error::invalid(format!("{:?} is no name of a header", login.header))
            })?,
            key: Mutex::new(None),
            endpoint: Endpoint {
                http: client::build(settings, secrets, addresses, client::Reach::Only(&url))?,
                url,
                addresses,
            },
        })
    }

    /// The header of a request.
    pub(super) async fn header(&self) -> std::result::Result<(HeaderName, HeaderValue), Failure> {
        // Whoever comes meanwhile waits for the same key.
        let mut key = self.key.lock().await;
        let value = match key.as_ref() {
            Some(value) => value.clone(),
            None => key.insert(self.log_in().await?).clone(),
        };
        Ok((self.header.clone(), value))
    }

    /// Ends the session; whether there was one.
    pub(super) async fn forget(&self) -> bool {
        self.key.lock().await.take().is_some()
    }

    async fn log_in(&self) -> std::result::Result<HeaderValue, Failure> {
        let body = self.endpoint.post("text/xml", self.call.clone()).await?;
        // What the upstream says of a refusal may repeat a secret.
        let key = match answer(&String::from_utf8_lossy(&body)) {
            Some(Ok(key)) => key,
            Some(Err(Fault)) => return Err(self.refused()),
            None => return Err(self.endpoint.wrong("the answer is none of XML-RPC")),
        };
        if self.key_length.is_some_and(|length| length != key.len()) || key.is_empty() {
            return Err(self.refused());
        }
        let mut value = HeaderValue::try_from(key).map_err(|_| {
            self.endpoint
                .wrong("the answer has no key that can be sent")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn refused(&self) -> Failure {
        Failure::final_(Error::denied(format!(
            "POST {}: the upstream gives no session for the remote's username and password",
            self.endpoint.name()
        )))
    }
}

/// Where the files of a remote are: its own address, below that of the server.
pub(super) fn base(login: &Login, settings: &Settings) -> Result<Url> {
    let own = parse_address(&settings.url)?;
    let host = own.host_str().unwrap_or_default();
    let own = format!("{host}/{}", own.path().trim_matches('/'));
    let path = format!("{}/{}/", login.files, own.trim_end_matches('/'));
    Ok(below(&server(login, settings)?, &path))
}

fn server(login: &Login, settings: &Settings) -> Result<Url> {
    let said = settings.config[login.server.as_str()].as_str();
    parse_url(said.unwrap_or(&login.otherwise))
}

/// An address below another one.
fn below(server: &Url, path: &str) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("{}/{path}", server.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// A call with texts.
fn call(method: &str, params: &[&str]) -> String {
    let params = params.iter().map(|text| {
        let text = escape(*text);
        format!("<param><value><string>{text}</string></value></param>")
    });
    format!(
        "<?xml version=\"1.0\"?>\n<methodCall><methodName>{}</methodName><params>{}</params></methodCall>",
        escape(method),
        params.collect::<Vec<_>>().concat()
    )
}

/// The called one could not do it.
#[derive(Debug, PartialEq, Eq)]
struct Fault;

/// The text that a call was answered with; none if it is no answer.
fn answer(xml: &str) -> Option<std::result::Result<String, Fault>> {
    let mut reader = Reader::from_str(xml);
    let mut value = None;
    let mut is_response = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => match element.local_name().as_ref() {
                b"methodResponse" => is_response = true,
                b"fault" if is_response => return Some(Err(Fault)),
                b"value" if is_response => value = Some(String::new()),
                _ => {}
            },
            Event::Text(text) => {
                if let Some(value) = &mut value {
                    value.push_str(&text.decode().ok()?);
                }
            }
            Event::End(element) if element.local_name().as_ref() == b"value" => {
                return value.map(|value| Ok(value.trim().to_owned()));
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_carry_texts() {
        let call = call("auth.login", &["a&b", "<c>"]);
        assert!(call.contains("<string>a&amp;b</string>"), "{call}");
        assert!(call.contains("<string>&lt;c&gt;</string>"), "{call}");
    }

    #[test]
    fn an_answer_has_a_text_or_a_fault() {
        let of = |inside: &str| {
            answer(&format!(
                "<?xml version='1.0'?>\n<methodResponse>{inside}</methodResponse>"
            ))
        };
        let param = |value: &str| format!("<params><param>{value}</param></params>");
        let key = Some(Ok("key-1".to_owned()));
        assert_eq!(of(&param("<value><string>key-1</string></value>")), key);
        assert_eq!(of(&param("<value>\n key-1 </value>")), key);
        let fault = "<fault><value><struct/></value></fault>";
        assert_eq!(of(fault), Some(Err(Fault)));
        assert_eq!(of(""), None);
        assert_eq!(answer("<html>hello</html>"), None);
        assert_eq!(answer("<html><value>hello</value></html>"), None);
        assert_eq!(answer("\u{0}<"), None);
    }

    #[test]
    fn files_are_below_the_server() {
        let login = Login {
            server: "base".into(),
            otherwise: "https://example.com/".into(),
            calls: "rpc/api".into(),
            method: "login".into(),
            key_length: None,
            header: "X-Key".into(),
            files: "GET-REQ".into(),
        };
        for (at, expected) in [
            ("https://a/", "https://a/rpc/api"),
            ("https://a/b", "https://a/b/rpc/api"),
            ("https://a/b/?c#d", "https://a/b/rpc/api"),
        ] {
            let server = parse_url(at).expect("a URL");
            assert_eq!(below(&server, &login.calls).as_str(), expected);
        }
        let at = |url: &str, server: Option<&str>| {
            let settings = Settings {
                url: url.to_owned(),
                config: serde_json::json!({"base": server}),
                ..settings()
            };
            base(&login, &settings).map(String::from)
        };
        for (url, server, expected) in [
            ("uln://zoo", None, "https://example.com/GET-REQ/zoo/"),
            ("uln://zoo/", Some("http://a/b"), "http://a/b/GET-REQ/zoo/"),
            (
                "uln://zoo/x y/",
                None,
                "https://example.com/GET-REQ/zoo/x%20y/",
            ),
        ] {
            assert_eq!(at(url, server), Ok(expected.to_owned()));
        }
        assert!(at("uln://zoo", Some("ftp://a/")).is_err());
    }

    fn settings() -> Settings {
        serde_json::from_value(serde_json::json!({
            "name": "a", "pulp_labels": {}, "url": "", "policy": "immediate", "ca_cert": null,
            "client_cert": null, "tls_validation": true, "proxy_url": null, "headers": [],
            "download_concurrency": null, "max_retries": null, "total_timeout": null,
            "connect_timeout": null, "sock_connect_timeout": null, "sock_read_timeout": null,
            "rate_limit": null, "secrets": null, "secret_names": [], "config": {},
        }))
        .expect("settings")
    }
}
