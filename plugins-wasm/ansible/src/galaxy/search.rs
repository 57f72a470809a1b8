//! Search across repositories.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::{Map, Value, json};

use super::asked::{Asked, encode, id_of, results};
use super::collections::text;
use super::namespaces;
use super::page::{self, Page};
use super::versions::is_yes;

/// What the host's own search filters by, and some of Galaxy's names for it.
pub(super) const PARAMETERS: &[&str] = &[
    "limit",
    "offset",
    "include_related",
    "show_versions",
    "distribution",
    "distribution_labels",
    "distribution_base_path",
    "repository_label",
    "repo",
    "repo_labels",
    "namespace",
    "name",
    "version",
    "version_range",
    "q",
    "keywords",
    "is_highest",
    "contents__name",
    "contents__content_type",
    "tags",
    "ordering",
];

/// `GET search/collection-versions/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let page = Page::of(asked.request)?;
    let mut query: Vec<String> = page
        .filters()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    query.push("include_related=distributions".to_owned());
    query.push("exclude_fields=docs_blob,manifest,files".to_owned());
    for (name, value) in &asked.request.query {
        if let Some((name, value)) = meant(name, value) {
            query.push(format!("{name}={}", encode(&value)));
        }
    }
    let path = format!("search/ansible/collection_versions/?{}", query.join("&"));
    match asked.call("GET", &path, None) {
        Ok(listed) => {
            let found = results(&listed);
            let names = found.iter().map(|one| text(&one["content"], "namespace"));
            let namespaces = if wants(asked, "namespace") {
                namespaces::summaries(asked, &names.collect())
            } else {
                Map::new()
            };
            let data: Vec<Value> = found
                .iter()
                .map(|found| shown(asked, found, &namespaces))
                .collect();
            let count = listed["count"].as_u64().unwrap_or_default();
            let path = format!(
                "{}/v3/plugin/ansible/search/collection-versions/",
                asked.root()
            );
            page::answer(asked.request, &path, page, count, &data)
        }
        Err(refused) => refused.answer(),
    }
}

/// A parameter in the host's words; none for what is done otherwise.
fn meant(name: &str, value: &str) -> Option<(String, String)> {
    let same = |name: &str| Some((name.to_owned(), value.to_owned()));
    match name {
        "limit" | "offset" | "include_related" | "includ_related" => None,
        "repo" | "distribution_base_path" | "distribution" => same("distribution"),
        "repo_labels" | "repository_label" | "distribution_labels" => same("distribution_labels"),
        "keywords" | "q" if !value.contains('=') => same("description__icontains"),
        "tags" => same("tags__name"),
        "show_versions" => same("show_versions"),
        "is_highest" => is_yes(value).then(|| {
            (
                "greatest".to_owned(),
                "precedence:namespace,name".to_owned(),
            )
        }),
        other => same(other),
    }
}

/// Whether a summary is asked for.
fn wants(asked: &Asked<'_>, name: &str) -> bool {
    let mut given = asked.request.query.iter();
    given.any(|(parameter, value)| {
        (parameter == "include_related" || parameter == "includ_related")
            && value.split(',').any(|one| one == name)
    })
}

fn shown(asked: &Asked<'_>, found: &Value, namespaces: &Map<String, Value>) -> Value {
    let unit = &found["content"];
    let namespace = namespaces.get(text(unit, "namespace")).cloned();
    let namespace = namespace.unwrap_or_else(|| json!({"name": unit["namespace"]}));
    let distributions: Vec<Value> = found["related_fields"]["distributions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let root = asked.collections_at(text(one, "base_path"));
            let (namespace, name) = (text(unit, "namespace"), text(unit, "name"));
            json!({
                "name": one["name"],
                "base_path": one["base_path"],
                "pulp_id": id_of(&one["pulp_href"]),
                "collection_url": format!("{root}/index/{namespace}/{name}/"),
                "repository": {
                    "name": found["repository"]["name"],
                    "pulp_id": id_of(&found["repository"]["pulp_href"]),
                },
            })
        })
        .collect();
    json!({
        "namespace": unit["namespace"],
        "name": unit["name"],
        "version": unit["version"],
        "requires_ansible": unit["requires_ansible"],
        "created_at": unit["pulp_created"],
        "repository": {
            "name": found["repository"]["name"],
            "pulp_href": found["repository"]["pulp_href"],
            "pulp_labels": found["repository"]["pulp_labels"],
        },
        "collection_version": {
            "pulp_href": unit["pulp_href"],
            "namespace": unit["namespace"],
            "name": unit["name"],
            "version": unit["version"],
            "requires_ansible": unit["requires_ansible"],
            "pulp_created": unit["pulp_created"],
            "contents": unit["contents"],
            "dependencies": unit["dependencies"],
            "description": unit["description"],
            "tags": unit["tags"],
        },
        "related_fields": {
            "metadata": {"id": unit["pulp_href"]},
            "namespace": namespace,
            "distributions": distributions,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_parameters_are_understood() {
        let of = |name, value| meant(name, value).map(|(name, value)| format!("{name}={value}"));
        assert_eq!(of("repo", "a").as_deref(), Some("distribution=a"));
        let labels = of("repo_labels", "content=public");
        assert_eq!(
            labels.as_deref(),
            Some("distribution_labels=content=public")
        );
        assert_eq!(
            of("q", "dns").as_deref(),
            Some("description__icontains=dns")
        );
        assert_eq!(of("q", "name='dns'").as_deref(), Some("q=name='dns'"));
        assert_eq!(of("is_highest", "false"), None);
        assert_eq!(of("includ_related", "x"), None);
        assert_eq!(
            of("name__startswith", "d").as_deref(),
            Some("name__startswith=d")
        );
    }
}
