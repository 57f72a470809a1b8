//! Search across repositories.

use std::borrow::Cow;

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::asked::{Asked, Listed, encode, last_word, read};
use super::namespaces;
use super::page::{self, Page};
use super::versions;
use crate::words;

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
    "repository_name",
    "namespace",
    "name",
    "version",
    "version_range",
    "q",
    "keywords",
    "is_highest",
    "is_deprecated",
    "is_signed",
    "dependency",
    "contents__name",
    "contents__content_type",
    "tags",
    "ordering",
];

/// What goes with a version, in the host's words.
const DEPRECATION: &str = "collection_deprecation:namespace,name";
const SIGNATURE: &str = "collection_signature:sha256";

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
    query.push(format!("tell=greatest:{}", versions::HIGHEST));
    query.extend([DEPRECATION, SIGNATURE].map(|kind| format!("tell=with:{kind}")));
    for (name, value) in &asked.request.query {
        for (name, value) in meant(name, value)? {
            query.push(format!("{name}={}", encode(&value)));
        }
    }
    let path = format!("search/ansible/collection_versions/?{}", query.join("&"));
    let listed = match asked.written("GET", &path, None) {
        Ok(listed) => listed,
        Err(refused) => return refused.answer(),
    };
    let listed: Listed<Found<'_>> = read(&listed)?;
    let found = listed.results.iter();
    let namespaces = if wants(asked, "namespace") {
        namespaces::summaries(asked, &found.map(|one| &*one.content.namespace).collect())
    } else {
        Map::new()
    };
    let data: Vec<Shown<'_>> = listed
        .results
        .iter()
        .map(|found| Shown::of(asked, found, &namespaces))
        .collect();
    let path = format!(
        "{}/v3/plugin/ansible/search/collection-versions/",
        asked.root()
    );
    page::answer(asked.request, &path, page, listed.count, &data)
}

/// A parameter in the host's words: filters, of which all must hold.
fn meant(name: &str, value: &str) -> Result<Vec<(String, String)>> {
    let one = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
    match name {
        "limit" | "offset" | "include_related" | "includ_related" => Ok(Vec::new()),
        "repo" | "distribution_base_path" | "distribution" => one("distribution", value),
        "repo_labels" | "repository_label" | "distribution_labels" => {
            one("distribution_labels", value)
        }
        "repository_name" => one("repository__name__in", value),
        "keywords" => Ok(all_words(value)),
        // What has a comparison in it is an expression of the host's.
        "q" if !value.contains(['=', '<', '>']) => Ok(all_words(value)),
        // By words, which an index finds; then by what is really there.
        "contents__name" => Ok(vec![
            ("terms".to_owned(), words::of_content(value)),
            (name.to_owned(), value.to_owned()),
        ]),
        "tags" => {
            let tags = value.split(',').map(str::trim);
            Ok(tags
                .map(|tag| ("tags__name".to_owned(), tag.to_owned()))
                .collect())
        }
        "dependency" => one(&format!("dependencies__{value}__isnull"), "false"),
        "version" | "version_range" => {
            let filter = versions::range(name, Some(value))?;
            let filter = filter.map(|(name, value)| (name.to_owned(), value));
            Ok(filter.into_iter().collect())
        }
        "order_by" => one("ordering", value),
        "is_highest" | "highest" => {
            let (name, value) = versions::highest(value);
            one(name, value)
        }
        // What is shown follows from what the host is asked for above.
        "fields" | "exclude_fields" | "tell" => {
            Err(Error::invalid(format!("{name}: there is no such filter")))
        }
        "is_deprecated" | "deprecated" => Ok(vec![with(DEPRECATION, value)]),
        "is_signed" | "signed" => Ok(vec![with(SIGNATURE, value)]),
        other => one(other, value),
    }
}

/// Versions with something or, if that is not wanted, all others.
fn with(kind: &str, wanted: &str) -> (String, String) {
    if versions::is_yes(wanted) {
        ("with".to_owned(), kind.to_owned())
    } else {
        ("q".to_owned(), format!("NOT with='{kind}'"))
    }
}

/// All words of a text must be among those of a collection.
fn all_words(text: &str) -> Vec<(String, String)> {
    let mut all: Vec<String> = words::of(text).collect();
    if all.is_empty() {
        // What has no word finds nothing.
        all.push(text.replace(',', " "));
    }
    vec![("terms".to_owned(), all.join(","))]
}

/// Whether a summary is asked for.
fn wants(asked: &Asked<'_>, name: &str) -> bool {
    let mut given = asked.request.query.iter();
    given.any(|(parameter, value)| {
        (parameter == "include_related" || parameter == "includ_related")
            && value.split(',').any(|one| one == name)
    })
}

/// What the host says of a version in a repository.
#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    repository: Repository<'a>,
    #[serde(borrow)]
    repository_version: &'a RawValue,
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    related_fields: Related<'a>,
    /// Whether it is the highest, deprecated and signed.
    told: [bool; 3],
}

#[derive(Deserialize, Serialize)]
struct Repository<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    pulp_href: Cow<'a, str>,
    #[serde(borrow)]
    pulp_labels: &'a RawValue,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    pulp_href: &'a RawValue,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: &'a RawValue,
    #[serde(borrow)]
    requires_ansible: &'a RawValue,
    #[serde(borrow)]
    pulp_created: &'a RawValue,
    #[serde(borrow)]
    contents: &'a RawValue,
    #[serde(borrow)]
    dependencies: &'a RawValue,
    #[serde(borrow)]
    description: &'a RawValue,
    #[serde(borrow)]
    tags: &'a RawValue,
}

#[derive(Deserialize)]
struct Related<'a> {
    #[serde(borrow)]
    distributions: Vec<Distribution<'a>>,
}

#[derive(Deserialize)]
struct Distribution<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    base_path: Cow<'a, str>,
    #[serde(borrow)]
    pulp_href: Cow<'a, str>,
}

/// The same in Galaxy's words. Most of it is handed on as the host wrote it.
#[derive(Serialize)]
struct Shown<'a> {
    namespace: &'a str,
    name: &'a str,
    version: &'a RawValue,
    requires_ansible: &'a RawValue,
    created_at: &'a RawValue,
    repository: &'a Repository<'a>,
    repository_version: &'a RawValue,
    collection_version: CollectionVersion<'a>,
    is_highest: bool,
    is_deprecated: bool,
    is_signed: bool,
    related_fields: RelatedFields<'a>,
}

#[derive(Serialize)]
struct CollectionVersion<'a> {
    pulp_href: &'a RawValue,
    namespace: &'a str,
    name: &'a str,
    version: &'a RawValue,
    requires_ansible: &'a RawValue,
    pulp_created: &'a RawValue,
    contents: &'a RawValue,
    dependencies: &'a RawValue,
    description: &'a RawValue,
    tags: &'a RawValue,
}

#[derive(Serialize)]
struct RelatedFields<'a> {
    metadata: Metadata<'a>,
    namespace: Value,
    distributions: Vec<ShownDistribution<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    id: &'a RawValue,
}

#[derive(Serialize)]
struct ShownDistribution<'a> {
    name: &'a RawValue,
    base_path: &'a str,
    pulp_id: &'a str,
    collection_url: String,
    repository: ShownRepository<'a>,
}

#[derive(Serialize)]
struct ShownRepository<'a> {
    name: &'a RawValue,
    pulp_id: &'a str,
}

impl<'a> Shown<'a> {
    fn of(asked: &Asked<'_>, found: &'a Found<'a>, namespaces: &Map<String, Value>) -> Self {
        let (unit, repository) = (&found.content, &found.repository);
        let [is_highest, is_deprecated, is_signed] = found.told;
        let (namespace, name): (&str, &str) = (&unit.namespace, &unit.name);
        let summary = namespaces.get(namespace).cloned();
        let distributions = found.related_fields.distributions.iter().map(|one| {
            let root = asked.collections_at(&one.base_path);
            ShownDistribution {
                name: one.name,
                base_path: &one.base_path,
                pulp_id: last_word(&one.pulp_href),
                collection_url: format!("{root}/index/{namespace}/{name}/"),
                repository: ShownRepository {
                    name: repository.name,
                    pulp_id: last_word(&repository.pulp_href),
                },
            }
        });
        Self {
            namespace,
            name,
            version: unit.version,
            requires_ansible: unit.requires_ansible,
            created_at: unit.pulp_created,
            repository,
            repository_version: found.repository_version,
            collection_version: CollectionVersion {
                pulp_href: unit.pulp_href,
                namespace,
                name,
                version: unit.version,
                requires_ansible: unit.requires_ansible,
                pulp_created: unit.pulp_created,
                contents: unit.contents,
                dependencies: unit.dependencies,
                description: unit.description,
                tags: unit.tags,
            },
            is_highest,
            is_deprecated,
            is_signed,
            related_fields: RelatedFields {
                metadata: Metadata { id: unit.pulp_href },
                namespace: summary.unwrap_or_else(|| json!({"name": namespace})),
                distributions: distributions.collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_parameters_are_understood() {
        let of = |name, value| {
            let filters = meant(name, value).expect("a filter");
            let filters = filters
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            filters.collect::<Vec<_>>().join("&")
        };
        assert_eq!(of("repo", "a"), "distribution=a");
        let labels = of("repo_labels", "content=public");
        assert_eq!(labels, "distribution_labels=content=public");
        assert_eq!(of("q", "name='dns'"), "q=name='dns'");
        assert_eq!(
            of("is_highest", "false"),
            "q=NOT greatest='precedence:namespace,name'"
        );
        assert_eq!(of("includ_related", "x"), "");
        assert_eq!(of("signed", "true"), "with=collection_signature:sha256");
        assert_eq!(
            of("is_deprecated", "false"),
            "q=NOT with='collection_deprecation:namespace,name'"
        );
        assert_eq!(of("repository_name", "a,b"), "repository__name__in=a,b");
        assert_eq!(of("name__startswith", "d"), "name__startswith=d");
        assert_eq!(of("tags", "a,b"), "tags__name=a&tags__name=b");
        assert_eq!(of("version_range", ">=1"), "q=version>='1.0.0'");
        assert_eq!(of("version", "1.0.0"), "version=1.0.0");
        assert!(meant("version_range", "~1").is_err());
        assert!(meant("fields", "name").is_err());
    }

    #[test]
    fn words_are_terms() {
        let found = all_words("Owls of the zoo");
        assert_eq!(found, [("terms".to_owned(), "owl,of,the,zoo".to_owned())]);
        assert_eq!(all_words("!,?")[0].1, "! ?");
    }
}
