//! What a user calls a resource: its name, its href, or its PRN.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::connection::Server;

/// The resource of a collection (`repositories`) that a user means.
pub(super) async fn find(server: &Server, collection: &str, text: &str) -> anyhow::Result<Value> {
    if text.starts_with('/') {
        return server.get(text).await;
    }
    let field = if text.starts_with("prn:") {
        "prn__in"
    } else {
        "name"
    };
    let path = format!("{collection}/");
    let filters = [(field.to_owned(), text.to_owned())];
    let (mut found, _) = server.list(&path, &filters, 2).await?;
    match found.len() {
        0 => bail!("there is no {} {text:?}", singular(collection)),
        // The list shows what all kinds share.
        1 => server.get(&href(&found.remove(0))?).await,
        _ => bail!("there are several {collection} {text:?}; give an href instead of the name"),
    }
}

/// The href of a resource that a user means.
pub(super) async fn find_href(
    server: &Server,
    collection: &str,
    text: &str,
) -> anyhow::Result<String> {
    href(&find(server, collection, text).await?)
}

/// The href of a resource.
pub(super) fn href(resource: &Value) -> anyhow::Result<String> {
    let href = resource["pulp_href"].as_str();
    Ok(href
        .context("the server's answer has no pulp_href")?
        .to_owned())
}

/// Plugin and type of a resource, as they stand in its href.
pub(super) fn plugin_and_type(href: &str) -> anyhow::Result<(&str, &str)> {
    let mut words = href
        .split('/')
        .skip_while(|word| !matches!(*word, "repositories" | "remotes" | "distributions"))
        .skip(1);
    let both = words.next().zip(words.next());
    both.with_context(|| format!("{href:?} names no plugin"))
}

/// One of a collection.
pub(super) fn singular(collection: &str) -> &str {
    match collection {
        "repositories" => "repository",
        other => other.trim_end_matches('s'),
    }
}

/// `name=value` of a flag.
pub(super) fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// A value of a flag: JSON if it is, else text.
pub(super) fn value_of(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_taken_apart() {
        let href = "/pulp/api/v3/repositories/file/file/0190/";
        assert_eq!(plugin_and_type(href).unwrap(), ("file", "file"));
        assert!(plugin_and_type("/pulp/api/v3/tasks/1/").is_err());
        assert_eq!(parse_pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(parse_pair("a").is_err());
        assert_eq!(value_of("5"), json!(5));
        assert_eq!(value_of("five"), json!("five"));
        assert_eq!(singular("repositories"), "repository");
    }
}
