//! A walk through a server that is a few texts in memory.

use std::cell::RefCell;

use pith_plugin_sdk::UnitDraft;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Documents by their addresses, and which of them were asked for.
#[derive(Debug, Default)]
struct Texts {
    all: BTreeMap<String, Value>,
    asked: RefCell<Vec<String>>,
}

impl Documents for &Texts {
    fn get<T: DeserializeOwned>(&self, url: &str, _: u64) -> Result<T> {
        self.asked.borrow_mut().push(url.to_owned());
        let url = url.split('?').next().unwrap_or(url);
        let value = self.all.get(url).ok_or_else(|| {
            Error::upstream(format!("GET {url}: the upstream answered 404 Not Found"))
        })?;
        serde_json::from_str(&value.to_string())
            .map_err(|error| Error::upstream(format!("GET {url}: {error}")))
    }
}

#[derive(Default)]
struct Staged(Vec<UnitDraft>);

impl Sink for &mut Staged {
    fn put(&mut self, drafts: &[UnitDraft]) -> Result<Vec<UnitRef>> {
        self.0.extend(drafts.iter().cloned());
        Ok(vec![0; drafts.len()])
    }

    fn add(&mut self, _: &[UnitRef]) -> Result<()> {
        Ok(())
    }
}

/// A server with collections, each a name and versions.
fn texts(collections: &[(&str, &[&str])]) -> Texts {
    let mut texts = Texts::default();
    let mut put = |path: &str, value: Value| texts.all.insert(format!("/api/{path}"), value);
    put("", json!({"available_versions": {"v3": "v3/"}}));
    put("v3/", json!({"published": "2024-01-01T00:00:00Z"}));
    let mut list = Vec::new();
    for (name, versions) in collections {
        let highest = versions.last().expect("a version");
        let item = json!({"namespace": "zoo", "name": name, "deprecated": *name == "old",
            "updated_at": "2024-01-01", "highest_version": {"version": highest}});
        let folder = format!("v3/collections/zoo/{name}/");
        put(&folder, item.clone());
        list.push(item);
        let items: Vec<Value> = versions.iter().map(|one| json!({"version": one})).collect();
        put(
            &format!("{folder}versions/"),
            json!({"data": items, "links": {"next": null}}),
        );
        for version in *versions {
            put(
                &format!("{folder}versions/{version}/"),
                json!({"version": version, "namespace": {"name": "zoo", "metadata_sha256": null},
                    "collection": {"name": name, "href": "x"}, "download_url": "/d.tar.gz",
                    "artifact": {"sha256": "AB".repeat(32), "size": 7, "filename": "d"},
                    "metadata": {"tags": ["t", {"name": "u"}], "dependencies": {}}}),
            );
            put(
                &format!("{folder}versions/{version}/docs-blob/"),
                json!({"docs_blob": {"a": 1}}),
            );
        }
    }
    put(
        "v3/collections/",
        json!({"data": list[..1], "links": {"next": "/api/v3/collections/2/"}}),
    );
    put("v3/collections/2/", json!({"data": list[1..]}));
    texts
}

fn walk(texts: &Texts, known: &BTreeMap<String, String>) -> Result<(Staged, Checkpoint)> {
    let server = Server::find(texts, "/api")?;
    let mut staged = Staged::default();
    let mut walk = Walk {
        batcher: Batcher::into_sink(&mut staged),
        plan: Plan::new(false),
        signed_only: false,
        highest: None,
        namespaces: BTreeSet::new(),
        undeprecated: Vec::new(),
        deprecated: BTreeMap::from([(("zoo".into(), "owls".into()), 9)]),
        done: 0,
        report: |_, _| {},
    };
    let marks = walk.everything(&server, known)?;
    let expected: &[UnitRef] = if known.is_empty() { &[9] } else { &[] };
    assert_eq!(walk.finish()?, expected);
    let checkpoint = Checkpoint {
        mirror: false,
        published: server.published(),
        marks,
    };
    Ok((staged, checkpoint))
}

#[test]
fn everything_is_staged_once() {
    let texts = texts(&[("owls", &["1.0.0", "1.1.0"]), ("old", &["2.0.0"])]);
    let (staged, checkpoint) = walk(&texts, &BTreeMap::new()).expect("a good server");
    let kinds: Vec<&str> = staged
        .0
        .iter()
        .map(|draft| draft.content_type.as_str())
        .collect();
    let version = "collection_version";
    assert_eq!(kinds, [version, version, version, "collection_deprecation"]);
    let fields: Value = serde_json::from_str(&staged.0[1].fields).expect("JSON");
    for (field, expected) in [
        ("name", json!("owls")),
        ("version", json!("1.1.0")),
        ("sha256", json!("ab".repeat(32))),
        ("tags", json!([{"name": "t"}, {"name": "u"}])),
        ("docs_blob", json!({"a": 1})),
        ("manifest", json!({})),
        ("contents", json!([])),
    ] {
        assert_eq!(fields[field], expected, "{field}");
    }
    assert_eq!(staged.0[0].artifacts[0].path, "zoo-owls-1.0.0.tar.gz");
    assert_eq!(
        checkpoint.published.as_deref(),
        Some("2024-01-01T00:00:00Z")
    );

    // Nothing looks different, so no collection is looked at.
    texts.asked.borrow_mut().clear();
    let (staged, again) = walk(&texts, &checkpoint.marks).expect("a good server");
    assert_eq!((staged.0.len(), &again), (0, &checkpoint));
    assert!(
        texts
            .asked
            .borrow()
            .iter()
            .all(|url| !url.contains("/zoo/"))
    );
}

#[test]
fn a_server_is_found_at_its_root_or_below() {
    let mut texts = texts(&[("owls", &["1.0.0"])]);
    assert!(Server::find(&texts, "").is_ok());
    let missing = Server::find(&texts, "/other/")
        .expect_err("nothing there")
        .to_string();
    assert!(missing.contains("GET /other/: "), "{missing}");
    texts
        .all
        .insert("/api/".into(), json!({"available_versions": {"v2": "v2/"}}));
    let old = Server::find(&texts, "/api/")
        .expect_err("too old")
        .to_string();
    assert!(old.contains("no version 3"), "{old}");
}

#[test]
fn answers_about_something_else_are_refused() {
    let place = "/api/v3/collections/zoo/owls/versions/1.0.0/";
    for (path, value, said) in [
        (&["version"][..], json!("1.0.1"), "is about zoo.owls 1.0.1"),
        (&["namespace", "name"], json!("x"), "is about x.owls 1.0.0"),
        (&["artifact", "sha256"], json!("../x"), "no SHA-256"),
        (&["artifact", "size"], json!(u64::MAX), "no size"),
        (&["artifact", "size"], json!(-1), "invalid value"),
        (&["manifest"], json!([]), "was expected"),
    ] {
        let mut texts = texts(&[("owls", &["1.0.0"])]);
        let detail = texts.all.get_mut(place).expect("the detail");
        let mut spot = detail;
        for word in path {
            spot = &mut spot[*word];
        }
        *spot = value;
        let error = walk(&texts, &BTreeMap::new()).map(drop).expect_err(said);
        assert_eq!(error.code(), pith_plugin_sdk::ErrorCode::Upstream);
        let error = error.to_string();
        assert!(error.contains(said) && error.contains(place), "{error}");
    }
}

#[test]
fn a_list_that_leads_to_itself_ends() {
    let mut texts = texts(&[("owls", &["1.0.0"])]);
    texts.all.insert(
        "/api/v3/collections/2/".into(),
        json!({"data": [], "links": {"next": "/api/v3/collections/2/"}}),
    );
    let error = walk(&texts, &BTreeMap::new())
        .map(drop)
        .expect_err("a circle");
    assert!(
        error.to_string().contains("the next page is the same"),
        "{error}"
    );
}
