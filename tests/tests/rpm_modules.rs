//! Documents of modules: given as texts, and what they lead to.

use anyhow::{Context, Result, ensure};
use pith_tests::rpm::{RpmMirror, RpmRepository};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Form, Test, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::rpm::MODULES;

on_both_databases!(
    a_document_becomes_a_unit,
    a_document_that_is_contradicted_is_refused,
    a_hostile_document_harms_nobody,
    a_module_leads_to_its_packages,
    a_module_that_names_thousands_is_shown_at_once,
    names_that_are_no_fields_find_units,
);

const MODULEMDS: &str = "/content/rpm/modulemds/";

/// One of the documents of [`MODULES`], as it stands there.
fn document(kind: &str) -> Result<String> {
    let documents = MODULES.split_inclusive("...\n");
    let mut found = documents.filter(|one| one.contains(&format!("document: {kind}\n")));
    found.next().map(str::to_owned).context("it is there")
}

async fn a_document_becomes_a_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api
        .create(
            "/repositories/rpm/rpm/",
            json!({"name": "zoo", "autopublish": true, "compression_type": "none"}),
        )
        .await?;
    let mirror = RpmMirror {
        repository,
        remote: Value::Null,
    };
    let snippets = [
        document("modulemd")?,
        document("modulemd-defaults")?,
        document("modulemd-obsoletes")?,
    ];
    for (plural, snippet, said) in [
        (
            "modulemds",
            &snippets[0],
            json!({"name": "cage", "stream": "1.10", "version": "7", "context": "c0ffee",
                "arch": "noarch", "artifacts": ["bear-0:1-1.noarch"], "dependencies": [],
                "profiles": {}, "packages": [], "description": "a cage"}),
        ),
        (
            "modulemd_defaults",
            &snippets[1],
            json!({"module": "cage", "stream": "1.10", "profiles": {}}),
        ),
        (
            "modulemd_obsoletes",
            &snippets[2],
            json!({"module_name": "cage", "module_stream": "1.0", "message": "gone",
                "modified": "2022-01-24T08:54Z", "eol_date": null}),
        ),
    ] {
        let mut body = said.clone();
        body["snippet"] = snippet.as_str().into();
        body["repository"] = mirror.repository["pulp_href"].clone();
        let place = format!("/content/rpm/{plural}/");
        let task = api.run_task(&place, body).await?.completed()?;
        let unit = api.get(&task.created_one(&place)?).await?.ok()?;
        for (name, value) in said.as_object().context("an object")? {
            assert_eq!(&unit[name], value, "{plural} {name}");
        }
        assert_eq!(api.rpm_units(&mirror, plural).await?.len(), 1);
        // A form says the same, and is the same unit; no repository is needed.
        let form = Form::new().text("snippet", snippet);
        let reply = api.post_form(&place, form).await?;
        let task = api.finish(reply).await?.completed()?;
        assert_eq!(task.created_one(&place)?, href(&unit));
        // Also for those who wait for it.
        let reply = api
            .post(&format!("{place}upload/"), json!({"snippet": snippet}))
            .await?;
        assert_eq!(reply.json(201)?["pulp_href"], unit["pulp_href"]);
    }
    api.serve_rpm(&mirror).await?;
    let repomd = server.fetch_bytes("zoo/repodata/repomd.xml").await?;
    let path = pith_tests::rpm::index_path(std::str::from_utf8(&repomd)?, "modules")?;
    let served = server.fetch_bytes(&format!("zoo/{path}")).await?;
    let served = std::str::from_utf8(&served)?;
    for snippet in &snippets {
        ensure!(served.contains(snippet), "{served}");
    }
    Ok(())
}

async fn a_document_that_is_contradicted_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let snippet = document("modulemd")?;
    for (body, field) in [
        (json!({"name": "cage"}), "snippet"),
        (json!({"snippet": ""}), "snippet"),
        (
            json!({"snippet": snippet, "artifacts": "bear"}),
            "artifacts",
        ),
        (json!({"snippet": snippet, "packages": ["/x/"]}), "packages"),
        (
            json!({"snippet": snippet, "relative_path": "x"}),
            "relative_path",
        ),
        (json!({"snippet": snippet, "artifact": "/x/"}), "artifact"),
        (
            json!({"snippet": snippet, "file_url": "http://example.org/"}),
            "file_url",
        ),
    ] {
        let reply = api.post(MODULEMDS, body).await?;
        ensure!(!reply.errors_of(field)?.is_empty(), "{field}: {reply}");
    }
    let form = Form::new()
        .text("snippet", &snippet)
        .file("file", "x", b"x");
    let reply = api.post_form(MODULEMDS, form).await?;
    ensure!(!reply.errors_of("file")?.is_empty(), "{reply}");
    for (body, words) in [
        (
            json!({"snippet": snippet, "stream": "1.1"}),
            "stream: \"1.1\" was said",
        ),
        (
            json!({"snippet": document("modulemd-defaults")?}),
            "document: modulemd",
        ),
        (
            json!({"snippet": MODULES}),
            "one document was expected, got 3",
        ),
        (json!({"snippet": "a: ["}), "snippet: not YAML"),
    ] {
        let task = api.run_task(MODULEMDS, body).await?;
        let why = task.failure()?;
        ensure!(why.contains(words), "{words}: {why}");
    }
    assert!(api.list(MODULEMDS).await?.is_empty(), "something was taken");
    Ok(())
}

/// A list that names a list ten times that names a list ten times, and so on: 10^9 elements.
fn laughter() -> String {
    let mut text = String::from("---\ndocument: modulemd\nversion: 2\na: &a [x]\n");
    for (before, after) in ('a'..'j').zip('b'..='j') {
        let ten = vec![format!("*{before}"); 10].join(", ");
        text = format!("{text}{after}: &{after} [{ten}]\n");
    }
    text.push_str("data:\n  name: cage\n  stream: \"1\"\n  artifacts:\n    rpms: *j\n...\n");
    text
}

async fn a_hostile_document_harms_nobody(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let deep = format!("document: modulemd\ndata: {}", "[".repeat(100_000));
    for snippet in [laughter(), deep] {
        let task = api.run_task(MODULEMDS, json!({"snippet": snippet})).await?;
        task.failure()?;
    }
    let name = format!("na'me\"{}", "x".repeat(100));
    let odd = document("modulemd")?.replace("name: cage", &format!("name: {name}"));
    let task = api
        .run_task(MODULEMDS, json!({"snippet": odd}))
        .await?
        .completed()?;
    let unit = api.get(&task.created_one(MODULEMDS)?).await?.ok()?;
    assert_eq!(unit["name"], name);
    assert_eq!(api.list(MODULEMDS).await?.len(), 1);
    Ok(())
}

/// Names of one module that all begin as those of all packages do: none is looked for among all.
async fn a_module_that_names_thousands_is_shown_at_once(test: Test) -> Result<()> {
    const PACKAGES: usize = 3_000;
    const NAMED: usize = 20_000;
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let versions: Vec<String> = (0..PACKAGES).map(|at| at.to_string()).collect();
    let packages: Vec<(&str, &str)> = versions.iter().map(|one| ("bear", &**one)).collect();
    let named: String = (1..=NAMED)
        .map(|at| format!("    - bear-0:{at}-1.noarch\n").repeat(2))
        .collect();
    let modules = document("modulemd")?.replace("    - bear-0:1-1.noarch\n", &named);
    let theirs = RpmRepository::of(&packages).with("modules", "modules.yaml", &modules);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let before = server.computed()?;
    let module = &api.list(MODULEMDS).await?[0];
    let took = server.computed()?.saturating_sub(before);
    let shown = module["packages"].as_array().context("a list")?;
    // Each once, of those that there are.
    assert_eq!(shown.len(), PACKAGES - 1);
    // A look at every package for every name would take minutes.
    ensure!(took < std::time::Duration::from_secs(10), "{took:?}");
    Ok(())
}

/// A mirror of two packages and a module that has one of them.
async fn mirror(api: &Api, upstream: &Upstream) -> Result<RpmMirror> {
    let theirs = RpmRepository::of(&[("bear", "1"), ("bear", "2")]);
    let url = theirs
        .with("modules", "modules.yaml", MODULES)
        .hold(upstream, "zoo");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    Ok(mirror)
}

async fn a_module_leads_to_its_packages(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let mirror = mirror(api, &upstream).await?;
    let packages = api.rpm_units(&mirror, "packages").await?;
    let bear = packages.iter().find(|one| one["version"] == "1");
    let bear = bear.context("it was synced")?;
    let module = &api.rpm_units(&mirror, "modulemds").await?[0];
    assert_eq!(module["packages"], json!([bear["pulp_href"]]));
    let read = api.get(&href(module)).await?.ok()?;
    assert_eq!(read["packages"], module["packages"]);
    let left_out = api
        .list(&format!("{MODULEMDS}?exclude_fields=packages"))
        .await?;
    assert_eq!(left_out[0].get("packages"), None);
    // Several units, so no filter.
    let filter = format!("{MODULEMDS}?packages={}", href(bear));
    assert_eq!(api.get(&filter).await?.status(), 400);

    // Who may see the module alone is not told what is elsewhere.
    let alone = json!({"name": "alone"});
    let alone = api.create("/repositories/rpm/rpm/", alone).await?;
    api.modify(&alone, json!({"add_content_units": [href(module)]}))
        .await?;
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let role = json!({"role": "rpm.rpmrepository_viewer", "users": ["ada"]});
    let reply = api
        .post(&format!("{}add_role/", href(&alone)), role)
        .await?;
    assert_eq!(reply.status(), 201);
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let seen = ada.list(MODULEMDS).await?;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["packages"], json!([]));
    Ok(())
}

async fn names_that_are_no_fields_find_units(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    mirror(api, &upstream).await?;
    let module = &api.list(MODULEMDS).await?[0];
    let digest = text(&module["digest"]);
    for (path, filter, count) in [
        ("packages", "filename=bear-1-1.noarch.rpm".to_owned(), 1),
        ("packages", "filename=bear-3-1.noarch.rpm".to_owned(), 0),
        ("packages", "filename__startswith=bear-".to_owned(), 2),
        (
            "packages",
            "q=filename=bear-1-1.noarch.rpm OR version=2".to_owned(),
            2,
        ),
        ("packages", "signing_key=v4:ABC".to_owned(), 0),
        ("modulemds", format!("sha256={digest}"), 1),
        ("modulemds", format!("sha256={}", "0".repeat(64)), 0),
        ("modulemd_defaults", format!("sha256={digest}"), 0),
    ] {
        let found = api.list(&format!("/content/rpm/{path}/?{filter}")).await?;
        assert_eq!(found.len(), count, "{filter}");
    }
    let sorted = api
        .list("/content/rpm/packages/?ordering=-filename")
        .await?;
    assert_eq!(sorted[0]["version"], "2");
    // Nobody is shown them, and what was not looked into is null.
    for name in ["filename", "signing_key"] {
        assert_eq!(sorted[0].get(name), None);
    }
    assert_eq!(sorted[0].get("signing_keys"), Some(&Value::Null));
    assert_eq!(module.get("sha256"), None);
    Ok(())
}
