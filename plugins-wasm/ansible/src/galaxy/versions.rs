//! Versions of one collection.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result, Site};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::asked::{Asked, Listed, answer, encode_path, read, results, units, written_units};
use super::collections::{absent, named, remove};
use super::page::{self, Page};
use crate::range::Range;
use crate::{COLLECTION_MARK, COLLECTION_SIGNATURE, COLLECTION_VERSION, name};

/// `GET index/<namespace>/<name>/versions/`, the newest first.
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let [namespace, name] = named(asked);
    let ordering = match asked.request.parameter("ordering") {
        Some("version") => "version",
        Some("pulp_created") => "pulp_created",
        Some("-pulp_created") => "-pulp_created",
        _ => "-version",
    };
    let mut filters = vec![
        ("namespace", namespace),
        ("name", name),
        ("fields", "version,requires_ansible,pulp_created"),
        ("ordering", ordering),
        (limit.0, &limit.1),
        (offset.0, &offset.1),
    ];
    let request = asked.request;
    let ranges = ["version", "version_range"].map(|name| range(name, request.parameter(name)));
    let [version, range] = ranges;
    let (version, range) = (version?, range?);
    for (name, value) in version.iter().chain(&range) {
        filters.push((name, value));
    }
    if let Some(words) = request.parameter("q") {
        filters.push(("description__icontains", words));
    }
    filters.extend(request.parameter("is_highest").map(highest));
    let listed = written_units(&site, COLLECTION_VERSION, &filters)?;
    let listed: Listed<Unit<'_>> = read(&listed)?;
    let root = collection(asked);
    let marks = marks(&site, namespace, name)?;
    let marks: Listed<Mark<'_>> = read(&marks)?;
    let data: Vec<Summary<'_>> = listed
        .results
        .iter()
        .map(|version| Summary::of(version, &root, &marks.results))
        .collect();
    page::answer(
        request,
        &format!("{root}versions/"),
        page,
        listed.count,
        &data,
    )
}

/// What the host says of a version.
#[derive(Deserialize)]
struct Unit<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    requires_ansible: &'a RawValue,
    #[serde(borrow)]
    pulp_created: &'a RawValue,
}

/// What the host says of a mark.
#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// A version in short.
#[derive(Serialize)]
struct Summary<'a> {
    version: &'a str,
    href: String,
    created_at: &'a RawValue,
    updated_at: &'a RawValue,
    requires_ansible: &'a RawValue,
    marks: Vec<&'a RawValue>,
}

impl<'a> Summary<'a> {
    fn of(unit: &'a Unit<'a>, collection: &str, marks: &[Mark<'a>]) -> Self {
        let version: &str = &unit.version;
        let marks = marks.iter().filter(|mark| mark.version == version);
        Self {
            version,
            href: format!("{collection}versions/{}/", encode_path(version)),
            created_at: unit.pulp_created,
            updated_at: unit.pulp_created,
            requires_ansible: unit.requires_ansible,
            marks: marks.map(|mark| mark.value).collect(),
        }
    }
}

/// A version, or a range of them, as a filter of the host; none for all.
pub(super) fn range(name: &str, given: Option<&str>) -> Result<Option<(&'static str, String)>> {
    let Some(text) = given else {
        return Ok(None);
    };
    if name == "version" && !text.contains(['<', '>', '=', '!', '*', ',']) {
        return Ok(Some(("version", text.to_owned())));
    }
    let range =
        Range::parse(text).map_err(|problem| Error::invalid(format!("{name}: {problem}")))?;
    Ok(range.expression().map(|expression| ("q", expression)))
}

/// The highest version of each collection, in the host's words.
pub(super) const HIGHEST: &str = "precedence:namespace,name";

/// The highest versions, or all others, as a filter of the host.
pub(super) fn highest(wanted: &str) -> (&'static str, &'static str) {
    if is_yes(wanted) {
        ("greatest", HIGHEST)
    } else {
        ("q", "NOT greatest='precedence:namespace,name'")
    }
}

/// What a query string says for yes.
pub(super) fn is_yes(text: &str) -> bool {
    ["true", "1", "yes", "on"].contains(&text.to_ascii_lowercase().as_str())
}

/// The address of the collection.
fn collection(asked: &Asked<'_>) -> String {
    let [namespace, name] = named(asked);
    let root = asked.collections_at(asked.base_path());
    format!("{root}/index/{namespace}/{name}/")
}

/// The marks of a collection: versions and values.
fn marks(site: &Site, namespace: &str, name: &str) -> Result<String> {
    let filters = [
        ("namespace", namespace),
        ("name", name),
        ("fields", "version,value"),
        ("ordering", "value"),
        ("limit", "1000"),
    ];
    written_units(site, COLLECTION_MARK, &filters)
}

/// These fields of the version that the address names, as the host writes them.
fn find(asked: &Asked<'_>, site: &Site, fields: &str) -> Result<String> {
    let [namespace, name] = named(asked);
    let filters = [
        ("namespace", namespace),
        ("name", name),
        ("version", asked.request.variable("version")),
        ("fields", fields),
        // A repository has a version once: a page that is not full needs no counting.
        ("limit", "2"),
    ];
    written_units(site, COLLECTION_VERSION, &filters)
}

/// What is shown of a version beside its summary.
const DETAILS: &str = "pulp_href,pulp_created,version,requires_ansible,sha256,size,manifest,files,\
     authors,contents,dependencies,description,documentation,homepage,issues,license,\
     origin_repository,tags";

/// Fields of a unit, as the host wrote them.
type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// The first unit of a page.
fn first<'a>(asked: &Asked<'_>, listed: &'a str) -> Result<Fields<'a>> {
    let listed: Listed<Fields<'_>> = read(listed)?;
    let first = listed.results.into_iter().next();
    first.ok_or_else(|| absent(asked))
}

fn field<'a>(unit: &Fields<'a>, name: &str) -> &'a RawValue {
    unit.get(name).copied().unwrap_or(RawValue::NULL)
}

/// A field that is a text.
fn plain(unit: &Fields<'_>, name: &str) -> String {
    serde_json::from_str(field(unit, name).get()).unwrap_or_default()
}

/// A version in full. Most of it is handed on as the host wrote it.
#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    namespace: Value,
    name: &'a str,
    collection: Value,
    artifact: Value,
    download_url: String,
    signatures: Vec<Value>,
    metadata: Metadata<'a>,
    git_url: (),
    git_commit_sha: (),
    manifest: &'a RawValue,
    files: &'a RawValue,
}

#[derive(Serialize)]
struct Metadata<'a> {
    authors: &'a RawValue,
    contents: &'a RawValue,
    dependencies: &'a RawValue,
    description: &'a RawValue,
    documentation: &'a RawValue,
    homepage: &'a RawValue,
    issues: &'a RawValue,
    license: &'a RawValue,
    repository: &'a RawValue,
    tags: Vec<Value>,
}

impl<'a> Metadata<'a> {
    fn of(unit: &Fields<'a>) -> Self {
        let tags: Vec<Value> = serde_json::from_str(field(unit, "tags").get()).unwrap_or_default();
        let name = |tag: Value| {
            if tag.is_object() {
                tag["name"].clone()
            } else {
                tag
            }
        };
        Self {
            authors: field(unit, "authors"),
            contents: field(unit, "contents"),
            dependencies: field(unit, "dependencies"),
            description: field(unit, "description"),
            documentation: field(unit, "documentation"),
            homepage: field(unit, "homepage"),
            issues: field(unit, "issues"),
            license: field(unit, "license"),
            repository: field(unit, "origin_repository"),
            tags: tags.into_iter().map(name).collect(),
        }
    }
}

/// `GET index/<namespace>/<name>/versions/<version>/`
pub(super) fn show(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let found = find(asked, &site, DETAILS)?;
    let unit = first(asked, &found)?;
    let collection = collection(asked);
    let [namespace, short] = named(asked);
    let [number, sha256] = ["version", "sha256"].map(|name| plain(&unit, name));
    let filename = name::of_file(namespace, short, &number);
    let download_url = format!(
        "{}/pulp/content/{}/{}",
        asked.request.origin,
        encode_path(asked.base_path()),
        encode_path(&filename)
    );
    let marks = marks(&site, namespace, short)?;
    let marks: Listed<Mark<'_>> = read(&marks)?;
    let version = Unit {
        version: number.as_str().into(),
        requires_ansible: field(&unit, "requires_ansible"),
        pulp_created: field(&unit, "pulp_created"),
    };
    let shown = Detail {
        summary: Summary::of(&version, &collection, &marks.results),
        namespace: json!({"name": namespace, "metadata_sha256": null}),
        name: short,
        collection: json!({
            "id": field(&unit, "pulp_href"), "name": short, "href": collection,
        }),
        artifact: json!({
            "filename": filename, "sha256": sha256, "size": field(&unit, "size"),
        }),
        download_url,
        signatures: signatures(&site, &sha256)?,
        metadata: Metadata::of(&unit),
        git_url: (),
        git_commit_sha: (),
        manifest: field(&unit, "manifest"),
        files: field(&unit, "files"),
    };
    Response::json(200, &shown)
}

/// The signatures of a version that are served with it.
fn signatures(site: &Site, sha256: &str) -> Result<Vec<Value>> {
    let filters = [
        ("sha256", sha256),
        ("fields", "data,pubkey_fingerprint,pulp_created"),
        ("limit", "100"),
    ];
    let listed = units(site, COLLECTION_SIGNATURE, &filters)?;
    let signatures = results(&listed).iter().map(|unit| {
        json!({
            "signature": unit["data"],
            "pubkey_fingerprint": unit["pubkey_fingerprint"],
            "signing_service": null,
            "pulp_created": unit["pulp_created"],
        })
    });
    Ok(signatures.collect())
}

/// `GET …/docs-blob/`
pub(super) fn docs(asked: &Asked<'_>) -> Result<Response> {
    let found = find(asked, &asked.site()?, "docs_blob")?;
    let unit = first(asked, &found)?;
    let shown = BTreeMap::from([("docs_blob", field(&unit, "docs_blob"))]);
    Response::json(200, &shown)
}

/// `DELETE …/versions/<version>/`
pub(super) fn delete(asked: &Asked<'_>) -> Result<Response> {
    let [namespace, name] = named(asked);
    let which = [
        ("namespace", namespace),
        ("name", name),
        ("version", asked.request.variable("version")),
    ];
    remove(asked, &asked.site()?, &which)
}

/// `POST …/move/<source>/<destination>/`: both repositories change at once, or neither.
pub(super) fn r#move(asked: &Asked<'_>) -> Result<Response> {
    let [source, destination] =
        ["source", "destination"].map(|name| asked.open(asked.request.variable(name)));
    let (source, destination) = (source?, destination?);
    let found = find(asked, &source, "pulp_href,sha256")?;
    let unit = first(asked, &found)?;
    let repositories = [&source, &destination].map(|site| asked.repository(site));
    let (from, to) = match repositories {
        [Ok(from), Ok(to)] => (from, to),
        [Err(refused), _] | [_, Err(refused)] => return refused.answer(),
    };
    let mut units = vec![Value::from(plain(&unit, "pulp_href"))];
    // What was signed stays signed.
    let sha256 = plain(&unit, "sha256");
    let of = [("sha256", sha256.as_str()), ("limit", "1000")];
    let signatures = self::units(&source, COLLECTION_SIGNATURE, &of)?;
    let signatures = results(&signatures).iter();
    units.extend(signatures.map(|signature| signature["pulp_href"].clone()));
    let body = json!({"atomic": true, "tasks": [
        {"type": "ansible/adds",
            "parameters": {"repository": to["pulp_href"], "content_units": units}},
        {"type": "ansible/removes",
            "parameters": {"repository": from["pulp_href"], "content_units": units}},
    ]});
    answer(202, asked.call("POST", "task-groups/", Some(&body)))
}
