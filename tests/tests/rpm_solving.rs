//! Copies of RPM packages that bring what the packages need.

use anyhow::{Context, Result};
use pith_tests::rpm::{RpmMirror, RpmPackage, RpmRepository};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Test, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::rpm::MODULES;

on_both_databases!(
    what_packages_need_comes_with_its_reason,
    what_is_there_does_unless_the_newest_is_wanted,
    lines_give_to_each_other,
    packages_bring_their_modules_and_these_their_packages,
    what_is_missing_is_told_and_the_rest_comes,
    whoever_wants_no_solving_gets_none,
);

fn package(name: &str, version: &str, needs: &[&str]) -> RpmPackage {
    RpmPackage::new(name, version).requiring(needs)
}

fn repository(packages: Vec<RpmPackage>) -> RpmRepository {
    RpmRepository {
        packages,
        ..RpmRepository::default()
    }
}

/// A mirror of these.
async fn mirrored(
    api: &Api,
    upstream: &Upstream,
    name: &str,
    repository: &RpmRepository,
) -> Result<RpmMirror> {
    let url = repository.hold(upstream, name);
    let mirror = api.rpm_mirror(name, &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    Ok(mirror)
}

/// The package of a name and version in a mirror.
async fn unit(api: &Api, mirror: &RpmMirror, name: &str, version: &str) -> Result<String> {
    let units = api.rpm_units(mirror, "packages").await?;
    let found = units
        .iter()
        .find(|unit| unit["name"] == name && unit["version"] == version);
    Ok(href(found.context("no such package")?))
}

fn line(mirror: &RpmMirror, destination: &Value, content: &[&str]) -> Value {
    json!({
        "source_repo_version": href(&mirror.repository),
        "dest_repo": href(destination),
        "content": content,
    })
}

/// The result of a copy that is carried out, which is that of its dry run.
async fn copied(api: &Api, mut body: Value) -> Result<Value> {
    let path = "/rpm/copy/";
    body["dry_run"] = true.into();
    let planned = api.run_task(path, body.clone()).await?.completed()?;
    body["dry_run"] = false.into();
    let done = api.run_task(path, body).await?.completed()?;
    let (mut planned, done) = (planned.0["result"].clone(), done.0["result"].clone());
    planned["dry_run"] = false.into();
    assert_eq!(planned, done, "the dry run tells what will be");
    Ok(done)
}

/// What a repository has of a type, by two fields.
async fn content(
    api: &Api,
    repository: &Value,
    plural: &str,
    fields: [&str; 2],
) -> Result<Vec<String>> {
    let version = href(&api.latest_version(repository).await?);
    let path = format!("/content/rpm/{plural}/?repository_version={version}");
    let units = api.list(&path).await?;
    let words = |unit: &Value| fields.map(|field| text(&unit[field])).join(" ");
    let mut names: Vec<String> = units.iter().map(words).collect();
    names.sort();
    Ok(names)
}

async fn packages(api: &Api, repository: &Value) -> Result<Vec<String>> {
    content(api, repository, "packages", ["name", "version"]).await
}

fn reasons(result: &Value, list: &str) -> Vec<String> {
    let list = result[list].as_array().into_iter().flatten();
    let mut reasons: Vec<String> = list.map(|one| text(&one["reason"]).to_owned()).collect();
    reasons.sort();
    reasons
}

async fn what_packages_need_comes_with_its_reason(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let zoo = repository(vec![
        package(
            "owl",
            "1",
            &["bear >= 2", "/usr/bin/cat", "(lion if cat)", "/etc/owl"],
        ),
        package("owl", "2", &["wolf"]),
        package("bear", "1", &[]),
        package("bear", "2.9", &["cat"]),
        package("bear", "2.10", &["cat"]),
        package("cat", "1", &["owl"]),
        package("lion", "1", &[]),
        package("wolf", "1", &[]),
        package("eagle", "1", &[]),
    ]);
    let mirror = mirrored(api, &upstream, "zoo", &zoo).await?;
    let destination = json!({"name": "solved"});
    let destination = api.create("/repositories/rpm/rpm/", destination).await?;
    let owl = unit(api, &mirror, "owl", "1").await?;
    let result = copied(
        api,
        json!({"config": [line(&mirror, &destination, &[&owl])]}),
    )
    .await?;
    assert_eq!(
        packages(api, &destination).await?,
        ["bear 2.10", "cat 1", "lion 1", "owl 1"]
    );
    assert_eq!(
        reasons(&result, "pulled_in"),
        [
            "owl-1-1.noarch requires (lion if cat)",
            "owl-1-1.noarch requires /usr/bin/cat",
            "owl-1-1.noarch requires bear >= 2",
        ]
    );
    let pulled = result["pulled_in"].as_array().context("a list")?;
    assert!(pulled.iter().all(|one| one["wanted_by"] == owl.as_str()));
    assert_eq!(result["added_count"], 4);
    assert_eq!(
        reasons(&result, "unresolved"),
        ["owl-1-1.noarch requires /etc/owl, which nothing provides"]
    );
    // Both versions of one name: each gets what it needs.
    let both = api
        .create("/repositories/rpm/rpm/", json!({"name": "both"}))
        .await?;
    let newer = unit(api, &mirror, "owl", "2").await?;
    let lines = [
        line(&mirror, &both, &[&owl]),
        line(&mirror, &both, &[&newer]),
    ];
    copied(api, json!({"config": lines})).await?;
    assert_eq!(
        packages(api, &both).await?,
        ["bear 2.10", "cat 1", "lion 1", "owl 1", "owl 2", "wolf 1"]
    );
    assert_eq!(api.latest_number(&both).await?, 1);
    Ok(())
}

async fn what_is_there_does_unless_the_newest_is_wanted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let zoo = repository(vec![
        package("owl", "1", &["bear"]),
        package("bear", "1", &["wolf"]),
        package("bear", "2", &[]),
    ]);
    let mirror = mirrored(api, &upstream, "zoo", &zoo).await?;
    let destination = json!({"name": "solved"});
    let destination = api.create("/repositories/rpm/rpm/", destination).await?;
    let bear = unit(api, &mirror, "bear", "1").await?;
    let config = json!([line(&mirror, &destination, &[&bear])]);
    let body = json!({"config": config, "dependency_solving": false});
    api.run_task("/rpm/copy/", body).await?.completed()?;
    let owl = unit(api, &mirror, "owl", "1").await?;
    let config = json!([line(&mirror, &destination, &[&owl])]);
    let result = copied(api, json!({"config": config})).await?;
    assert_eq!(result["pulled_in"], json!([]));
    assert_eq!(packages(api, &destination).await?, ["bear 1", "owl 1"]);
    let body = json!({"config": config, "dependency_upgrade": true});
    let result = copied(api, body).await?;
    assert_eq!(
        reasons(&result, "pulled_in"),
        ["owl-1-1.noarch requires bear"]
    );
    assert_eq!(
        packages(api, &destination).await?,
        ["bear 1", "bear 2", "owl 1"]
    );
    let body = json!({"config": config, "dependency_upgrade": true, "dependency_solving": false});
    api.post("/rpm/copy/", body)
        .await?
        .errors_of("dependency_upgrade")?;
    Ok(())
}

async fn lines_give_to_each_other(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let base = repository(vec![package("bear", "1", &[]), package("wolf", "1", &[])]);
    let more = repository(vec![
        package("owl", "1", &["bear", "wolf", "cat"]),
        package("cat", "1", &[]),
    ]);
    let base = mirrored(api, &upstream, "base", &base).await?;
    let more = mirrored(api, &upstream, "more", &more).await?;
    let base_copy = api
        .create("/repositories/rpm/rpm/", json!({"name": "base-copy"}))
        .await?;
    let more_copy = api
        .create("/repositories/rpm/rpm/", json!({"name": "more-copy"}))
        .await?;
    // What is in another line's destination counts.
    let wolf = unit(api, &base, "wolf", "1").await?;
    copied(api, json!({"config": [line(&base, &base_copy, &[&wolf])]})).await?;
    let owl = unit(api, &more, "owl", "1").await?;
    let config = json!([
        line(&more, &more_copy, &[&owl]),
        line(&base, &base_copy, &[])
    ]);
    let result = copied(api, json!({"config": config})).await?;
    assert_eq!(result["unresolved"], json!([]));
    assert_eq!(packages(api, &more_copy).await?, ["cat 1", "owl 1"]);
    assert_eq!(packages(api, &base_copy).await?, ["bear 1", "wolf 1"]);
    Ok(())
}

async fn packages_bring_their_modules_and_these_their_packages(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let modules = MODULES.replace(
        "    - bear-0:1-1.noarch\n",
        "    - bear-0:1-1.noarch\n    - cub-0:1-1.noarch\n",
    );
    let zoo = repository(vec![
        package("owl", "1", &["bear"]),
        package("bear", "1", &[]),
        package("cub", "1", &["honey"]),
        package("honey", "1", &[]),
        package("wolf", "1", &[]),
    ])
    .with("modules", "modules.yaml", &modules);
    let mirror = mirrored(api, &upstream, "zoo", &zoo).await?;
    let destination = json!({"name": "solved"});
    let destination = api.create("/repositories/rpm/rpm/", destination).await?;
    let owl = unit(api, &mirror, "owl", "1").await?;
    let config = json!([line(&mirror, &destination, &[&owl])]);
    let result = copied(api, json!({"config": config})).await?;
    assert_eq!(result["unresolved"], json!([]));
    assert_eq!(
        packages(api, &destination).await?,
        ["bear 1", "cub 1", "honey 1", "owl 1"]
    );
    let modules = content(api, &destination, "modulemds", ["name", "stream"]).await?;
    assert_eq!(modules, ["cage 1.10"]);
    // Without its default nobody would see the stream's packages.
    let defaults = content(api, &destination, "modulemd_defaults", ["module", "stream"]).await?;
    assert_eq!(defaults, ["cage 1.10"]);
    assert_eq!(
        reasons(&result, "pulled_in"),
        [
            "bear-1-1.noarch is a package of it",
            "cub-1-1.noarch requires honey",
            "it makes cage:1.10 the default",
            "modulemd refers to it by nevras",
            "owl-1-1.noarch requires bear",
        ]
    );
    Ok(())
}

async fn what_is_missing_is_told_and_the_rest_comes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let zoo = repository(vec![
        package("owl", "1", &["bear", "wolf >= 2"]),
        package("bear", "1", &["honey"]),
        package("wolf", "1", &[]),
    ]);
    let mirror = mirrored(api, &upstream, "zoo", &zoo).await?;
    let destination = json!({"name": "solved"});
    let destination = api.create("/repositories/rpm/rpm/", destination).await?;
    let body = json!({
        "source_repository": href(&mirror.repository),
        "destination_repository": href(&destination),
        "type": "package",
        "filter": "name=owl",
    });
    let result = copied(api, body).await?;
    assert_eq!(packages(api, &destination).await?, ["bear 1", "owl 1"]);
    assert_eq!(
        reasons(&result, "unresolved"),
        [
            "bear-1-1.noarch requires honey, which nothing provides",
            "owl-1-1.noarch requires wolf >= 2, which nothing provides",
        ]
    );
    let missing = result["unresolved"].as_array().context("a list")?;
    assert!(
        missing
            .iter()
            .any(|one| one["missing"] == json!({"requires": "honey"}))
    );
    Ok(())
}

async fn whoever_wants_no_solving_gets_none(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let zoo = repository(vec![
        package("owl", "1", &["bear"]),
        package("bear", "1", &["wolf"]),
    ]);
    let mirror = mirrored(api, &upstream, "zoo", &zoo).await?;
    let destination = json!({"name": "alone"});
    let destination = api.create("/repositories/rpm/rpm/", destination).await?;
    let owl = unit(api, &mirror, "owl", "1").await?;
    let config = json!([line(&mirror, &destination, &[&owl])]);
    copied(api, json!({"config": config, "dependency_solving": false})).await?;
    assert_eq!(packages(api, &destination).await?, ["owl 1"]);
    // Whoever takes everything can get nothing more.
    let everything = json!({
        "source_repository": href(&mirror.repository),
        "destination_repository": href(&destination),
    });
    let result = copied(api, everything).await?;
    assert_eq!(result["pulled_in"], json!([]));
    assert_eq!(packages(api, &destination).await?, ["bear 1", "owl 1"]);
    Ok(())
}
