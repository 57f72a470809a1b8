//! What is done to RPM repositories beside syncs and copies: pruning, groups of a file, and
//! layouts of publications.

use anyhow::{Context, Result};
use pith_tests::rpm::{RpmMirror, RpmRepository, index_path};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Form, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::rpm::COMPS;

on_both_databases!(
    old_builds_are_pruned,
    all_repositories_are_pruned_or_none,
    what_is_pruned_is_named_well,
    groups_of_a_file_come_into_a_repository,
    a_file_without_groups_is_refused,
    an_advisory_is_uploaded_as_json,
    packages_are_laid_out_as_asked,
);

async fn synced(server: &TestServer, upstream: &Upstream, name: &str) -> Result<RpmMirror> {
    let theirs = RpmRepository::of(&[("bear", "1.9"), ("bear", "1.10"), ("owl", "1")]);
    let url = theirs.hold(upstream, name);
    let mirror = server.api().rpm_mirror(name, &url, "on_demand").await?;
    server
        .api()
        .sync_rpm(&mirror, json!({}))
        .await?
        .completed()?;
    Ok(mirror)
}

/// The tasks of a prune.
async fn prune(api: &Api, params: Value) -> Result<Vec<Value>> {
    let accepted = api.post("/rpm/prune/", params).await?.json(202)?;
    let group = text(&accepted["task_group"]).to_owned();
    let mut tasks = Vec::new();
    for task in api.list(&format!("/tasks/?task_group={group}")).await? {
        tasks.push(api.wait(&href(&task)).await?.completed()?.0);
    }
    Ok(tasks)
}

async fn versions(api: &Api, mirror: &RpmMirror) -> Result<Vec<String>> {
    let units = api.rpm_units(mirror, "packages").await?;
    let mut versions: Vec<String> = units
        .iter()
        .map(|unit| format!("{}-{}", text(&unit["name"]), text(&unit["version"])))
        .collect();
    versions.sort();
    Ok(versions)
}

async fn old_builds_are_pruned(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let mirror = synced(&server, &upstream, "zoo").await?;
    let hrefs = json!([href(&mirror.repository)]);
    // They came just now.
    let tasks = prune(api, json!({"repo_hrefs": hrefs})).await?;
    assert_eq!(tasks.len(), 1);
    assert_eq!(versions(api, &mirror).await?.len(), 3);
    let params = json!({"repo_hrefs": hrefs, "keep_days": 0, "dry_run": true});
    let report = &prune(api, params).await?[0]["progress_reports"][0];
    assert_eq!((&report["done"], &report["total"]), (&json!(0), &json!(1)));
    assert_eq!(versions(api, &mirror).await?.len(), 3);
    let params = json!({"repo_hrefs": hrefs, "keep_days": 0});
    let tasks = prune(api, params.clone()).await?;
    assert_eq!(tasks[0]["progress_reports"][0]["done"], 1);
    assert_eq!(versions(api, &mirror).await?, ["bear-1.10", "owl-1"]);
    let tasks = prune(api, params).await?;
    assert_eq!(
        tasks[0]["created_resources"],
        json!([]),
        "nothing is left to prune"
    );
    Ok(())
}

async fn all_repositories_are_pruned_or_none(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let all = json!({"repo_hrefs": ["*"], "keep_days": 0});
    assert!(prune(api, all.clone()).await?.is_empty(), "there is none");
    let first = synced(&server, &upstream, "first").await?;
    let second = synced(&server, &upstream, "second").await?;
    api.file_repository("another").await?;
    let twice = json!([href(&first.repository), text(&first.repository["prn"])]);
    assert_eq!(prune(api, json!({"repo_hrefs": twice})).await?.len(), 1);
    assert_eq!(prune(api, all).await?.len(), 2);
    for mirror in [first, second] {
        assert_eq!(versions(api, &mirror).await?, ["bear-1.10", "owl-1"]);
    }
    Ok(())
}

async fn what_is_pruned_is_named_well(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let files = href(&api.file_repository("files").await?);
    for (params, field) in [
        (json!({}), "repo_hrefs"),
        (json!({"repo_hrefs": []}), "repo_hrefs"),
        (json!({"repo_hrefs": ["*", files]}), "repo_hrefs"),
        (json!({"repo_hrefs": [files]}), "repo_hrefs"),
        (json!({"repo_hrefs": ["*"], "keep_days": -1}), "keep_days"),
        (json!({"repo_hrefs": ["*"], "odd": 1}), "odd"),
    ] {
        let error = api.post("/rpm/prune/", params.clone()).await?.json(400)?;
        assert!(error.get(field).is_some(), "{params}: {error}");
    }
    for path in ["/rpm/prune/", "/rpm/nothing/", "/file/prune/"] {
        assert_eq!(api.get(path).await?.status(), 404, "{path}");
    }
    assert_eq!(api.post("/file/prune/", json!({})).await?.status(), 404);
    let reply = api.anonymous().post("/rpm/prune/", json!({})).await?;
    assert_eq!(reply.status(), 401);
    Ok(())
}

async fn groups_of_a_file_come_into_a_repository(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let form = || Form::new().file("file", "comps.xml", COMPS.as_bytes());
    let task = api
        .finish(api.post_form("/rpm/comps/", form()).await?)
        .await?;
    assert_eq!(task.completed()?.created().len(), 4, "units alone");
    let repository = api
        .create("/repositories/rpm/rpm/", json!({"name": "r"}))
        .await?;
    let into = |file: Form| file.text("repository", &href(&repository));
    let task = api
        .finish(api.post_form("/rpm/comps/", into(form())).await?)
        .await?;
    assert_eq!(task.completed()?.created().len(), 5, "and a version");
    let other = "<comps><group><id>fish</id><name>Fish</name></group></comps>";
    let other = || Form::new().file("file", "comps.xml", other.as_bytes());
    let counts = async || -> Result<Vec<usize>> {
        let version = href(&api.latest_version(&repository).await?);
        let mut counts = Vec::new();
        for plural in [
            "packagegroups",
            "packagecategories",
            "packageenvironments",
            "packagelangpacks",
        ] {
            let path = format!("/content/rpm/{plural}/?repository_version={version}");
            counts.push(api.list(&path).await?.len());
        }
        Ok(counts)
    };
    let task = api
        .finish(api.post_form("/rpm/comps/", into(other())).await?)
        .await?;
    task.completed()?;
    assert_eq!(counts().await?, [2, 1, 1, 1]);
    let replacing = into(other()).text("replace", "True");
    let task = api
        .finish(api.post_form("/rpm/comps/", replacing).await?)
        .await?;
    task.completed()?;
    assert_eq!(counts().await?, [1, 0, 0, 0]);
    Ok(())
}

async fn a_file_without_groups_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let error = api
        .post_form("/rpm/comps/", Form::new().text("replace", "true"))
        .await?
        .json(400)?;
    assert!(error.get("file").is_some(), "{error}");
    for (document, words) in [
        ("<html/>", "its root is not `comps`"),
        ("<comps></comps>", "has no group"),
    ] {
        let form = Form::new().file("file", "comps.xml", document.as_bytes());
        let task = api
            .finish(api.post_form("/rpm/comps/", form).await?)
            .await?;
        assert!(task.failure()?.contains(words), "{}", task.0);
    }
    Ok(())
}

async fn packages_are_laid_out_as_asked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let theirs = RpmRepository::of(&[("bear", "1"), ("owl", "2")]).with(
        "productid",
        "productid",
        "a product\n",
    );
    let url = theirs.hold(&upstream, "zoo");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    for layout in ["flat", "nested_by_digest", "nested_alphabetically"] {
        let settings = json!({"repository": href(&mirror.repository), "layout": layout,
            "compression_type": "none"});
        let task = api.run_task("/publications/rpm/rpm/", settings).await?;
        let publication = task.completed()?.created_one("/publications/")?;
        let settings = json!({"name": layout, "base_path": layout, "publication": publication});
        let task = api.run_task("/distributions/rpm/rpm/", settings).await?;
        task.completed()?;
        let repomd = server
            .fetch(&format!("{layout}/repodata/repomd.xml"))
            .await?
            .text();
        let primary = index_path(&repomd, "primary")?;
        let primary = server.fetch(&format!("{layout}/{primary}")).await?.text();
        for package in &theirs.packages {
            let own = package.path();
            let (folder, name) = own.rsplit_once('/').context("a folder")?;
            let path = match layout {
                "flat" => format!("Packages/{name}"),
                "nested_by_digest" => format!("{folder}/by-digest/{}-{name}", &package.id()[..6]),
                _ => own.clone(),
            };
            assert!(
                primary.contains(&format!("<location href=\"{path}\"/>")),
                "{primary}"
            );
            let bytes = server.fetch_bytes(&format!("{layout}/{path}")).await?;
            assert_eq!(bytes, package.bytes);
            let usual = server.fetch(&format!("{layout}/{own}")).await?.status();
            assert_eq!(usual, if path == own { 200 } else { 404 }, "{layout}");
        }
        let product = server
            .fetch_bytes(&format!("{layout}/repodata/productid"))
            .await?;
        assert_eq!(product, "a product\n");
    }
    Ok(())
}

async fn an_advisory_is_uploaded_as_json(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "r", "autopublish": true, "compression_type": "none"});
    let repository = api.create("/repositories/rpm/rpm/", settings).await?;
    let settings = json!({"name": "r", "base_path": "r", "repository": href(&repository)});
    let task = api.run_task("/distributions/rpm/rpm/", settings).await?;
    task.completed()?;
    let advisory = json!({"id": "ZOO-1", "issued": "2024-01-01", "updated": "2024-01-02",
        "severity": "Low", "title": "bears & more", "fromstr": "a@b", "pkglist": [{"packages": [
            {"name": "bear", "epoch": "0", "version": "1", "release": "1", "arch": "noarch",
             "filename": "bear-1-1.noarch.rpm"}]}]});
    let upload = async |document: &str| {
        let form = Form::new()
            .file("file", "advisory.json", document.as_bytes())
            .text("repository", &href(&repository));
        let reply = api.post_form("/content/rpm/advisories/", form).await?;
        api.finish(reply).await
    };
    let task = upload(&advisory.to_string()).await?.completed()?;
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    for (name, value) in [
        ("id", "ZOO-1"),
        ("updated_date", "2024-01-02"),
        ("title", "bears & more"),
    ] {
        assert_eq!(unit[name], value, "{unit}");
    }
    let repomd = server
        .fetch_until("r/repodata/repomd.xml", |reply| reply.status() == 200)
        .await?;
    let path = index_path(&repomd.text(), "updateinfo")?;
    let updates = server.fetch(&format!("r/{path}")).await?.text();
    for part in [
        "<id>ZOO-1</id>",
        "<title>bears &amp; more</title>",
        "name=\"bear\"",
    ] {
        assert!(updates.contains(part), "{part}: {updates}");
    }
    let task = upload("{\"title\": \"nameless\"}").await?;
    assert!(task.failure()?.contains("it has no id"), "{}", task.0);
    Ok(())
}
