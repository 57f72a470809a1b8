//! What is wrong with a remote's settings, before anything is asked of it.

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

/// The schemes of most remotes, and of all else that is fetched.
pub(super) const WEB: &[&str] = &["http", "https"];

/// Why a URL of these schemes cannot be fetched from, if it cannot.
pub(super) fn url_problem(text: &str, schemes: &[&str]) -> Option<String> {
    if text.trim() != text {
        return Some("The URL begins or ends with white space.".to_owned());
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return Some(format!("This is no URL: {error}.")),
    };
    if !schemes.contains(&url.scheme()) {
        return Some(format!(
            "The scheme {:?} is not supported: use {}.",
            url.scheme(),
            schemes.join(" or ")
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("The URL names no host.".to_owned());
    }
    has_credentials(&url).then(|| {
        "The URL contains a user name or a password: use the fields 'username' and 'password'."
            .to_owned()
    })
}

/// Why a proxy's URL cannot be used, if it cannot.
pub(super) fn proxy_problem(text: &str) -> Option<String> {
    let url = match Url::parse(text.trim()) {
        Ok(url) => url,
        Err(error) => return Some(format!("This is no URL: {error}.")),
    };
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Some(format!(
            "The scheme {:?} is not supported: use http, https, socks5 or socks5h.",
            url.scheme()
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("The URL names no host.".to_owned());
    }
    has_credentials(&url).then(|| {
        "proxy_url must not contain a user name or a password: use the fields \
         'proxy_username' and 'proxy_password'."
            .to_owned()
    })
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Why a text is no PEM of that kind (`CERTIFICATE`, `PRIVATE KEY`), if it is not. A
/// superficial look: what is inside is seen when it is used.
pub(super) fn pem_problem(text: &str, kind: &str) -> Option<String> {
    let mut open: Option<&str> = None;
    let mut found = false;
    for line in text.lines().map(str::trim) {
        let label = |prefix: &str| line.strip_prefix(prefix)?.strip_suffix("-----");
        if let Some(name) = label("-----BEGIN ") {
            open = Some(name);
        } else if let Some(name) = label("-----END ") {
            if open.take() != Some(name) {
                return Some("The PEM text is damaged: it ends what it did not begin.".to_owned());
            }
            found |= name.ends_with(kind);
        }
    }
    (open.is_some() || !found).then(|| format!("Expected a whole {kind} in PEM format."))
}

/// Why headers cannot be sent, if they cannot: `[{"name": "value"}, …]` is expected.
pub(super) fn headers_problem(headers: &[Value]) -> Option<String> {
    for header in headers {
        let entry = header.as_object().filter(|map| map.len() == 1);
        let Some((name, value)) = entry.and_then(|map| map.iter().next()) else {
            return Some(
                "Each header must be an object with one entry: {\"name\": \"value\"}.".to_owned(),
            );
        };
        if HeaderName::try_from(name.as_str()).is_err() {
            return Some(format!("{name:?} is no name of a header."));
        }
        if value
            .as_str()
            .is_none_or(|value| HeaderValue::try_from(value).is_err())
        {
            return Some(format!(
                "The value of the header {name:?} must be one line of text."
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_web_addresses_without_secrets_are_urls() {
        let url_problem = |text: &str| url_problem(text, WEB);
        for good in ["http://a/PULP_MANIFEST", "https://[::1]:8/x?y=z"] {
            assert_eq!(url_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "a",
            "ftp://a/",
            "file:///etc/passwd",
            "http://",
            " http://a/",
            "http://u:p@a/",
        ] {
            assert!(url_problem(bad).is_some(), "{bad:?}");
        }
        assert_eq!(super::url_problem("uln://ol7_oracle", &["uln"]), None);
        assert!(super::url_problem("http://a/", &["uln"]).is_some());
        assert_eq!(proxy_problem("socks5://a:1080"), None);
        assert!(proxy_problem("http://u:p@a:1").is_some());
    }

    #[test]
    fn pem_texts_have_a_beginning_and_an_end() {
        let whole = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(pem_problem(whole, "CERTIFICATE"), None);
        let key = "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----";
        assert_eq!(pem_problem(key, "PRIVATE KEY"), None);
        assert!(pem_problem(key, "CERTIFICATE").is_some());
        assert!(pem_problem("-----BEGIN CERTIFICATE-----\nAA==", "CERTIFICATE").is_some());
        assert!(pem_problem("hello", "CERTIFICATE").is_some());
    }

    #[test]
    fn headers_are_objects_of_one_entry() {
        assert_eq!(headers_problem(&[json!({"X-A": "b"})]), None);
        for bad in [
            json!({"a": "b", "c": "d"}),
            json!("a"),
            json!({"a b": "c"}),
            json!({"a": "b\nc"}),
        ] {
            assert!(
                headers_problem(std::slice::from_ref(&bad)).is_some(),
                "{bad}"
            );
        }
    }
}
