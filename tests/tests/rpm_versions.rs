//! Versions of RPM packages: compared, sorted and kept in RPM's own order.

use anyhow::Result;
use pith_tests::rpm::{RpmMirror, RpmRepository, package_file};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Form, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    lists_compare_and_sort_versions,
    what_cannot_be_compared_is_refused,
    copies_choose_by_version,
    only_the_newest_stay_of_what_comes,
);

/// From old to new, which neither texts nor numbers are.
const VERSIONS: [&str; 5] = ["1.2", "1.9", "1.10~rc1", "1.10", "1.10.1"];

/// A mirror of an upstream with all of them.
async fn mirrored(server: &TestServer, upstream: &Upstream) -> Result<RpmMirror> {
    let owls: Vec<(&str, &str)> = VERSIONS.iter().map(|&version| ("owl", version)).collect();
    let url = RpmRepository::of(&owls).hold(upstream, "zoo");
    let mirror = server.api().rpm_mirror("zoo", &url, "on_demand").await?;
    server
        .api()
        .sync_rpm(&mirror, json!({}))
        .await?
        .completed()?;
    Ok(mirror)
}

/// The versions of the packages that a query finds, in its order.
async fn found(api: &Api, repository: &Value, query: &str) -> Result<Vec<String>> {
    let version = href(&api.latest_version(repository).await?);
    let path = format!("/content/rpm/packages/?repository_version={version}&{query}");
    let units = api.list(&path).await?;
    Ok(units
        .iter()
        .map(|unit| text(&unit["version"]).to_owned())
        .collect())
}

async fn lists_compare_and_sort_versions(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let zoo = mirrored(&server, &upstream).await?.repository;
    let api = server.api();
    for (query, expected) in [
        ("ordering=version", &VERSIONS[..]),
        ("ordering=evr", &VERSIONS),
        ("version__gt=1.9&ordering=version", &VERSIONS[2..]),
        ("version__lte=1.10&ordering=version", &VERSIONS[..4]),
        ("version__range=1.9,1.10&ordering=version", &VERSIONS[1..4]),
        ("evr__lt=1.10-2&ordering=evr", &VERSIONS[..4]),
        ("evr__gte=0:1.10-1&ordering=evr", &VERSIONS[3..]),
        ("evr__gt=1:0-0", &[]),
        ("evr=1_10-01", &["1.10"]),
        ("evr__in=1.2-1,1.9-1&ordering=evr", &VERSIONS[..2]),
        ("greatest=version:name", &["1.10.1"]),
        ("greatest=evr:name,arch", &["1.10.1"]),
        // What is equal is what people see.
        ("version=1.010", &[]),
        ("release__gte=1&version__contains=rc", &["1.10~rc1"]),
        (
            "q=version>='1.9' AND NOT version>'1.10'&ordering=version",
            &VERSIONS[1..4],
        ),
        (
            "q=version IN ('1.2') OR evr>'1.10-1'&ordering=version",
            &["1.2", "1.10.1"],
        ),
    ] {
        assert_eq!(found(api, &zoo, query).await?, expected, "{query}");
    }
    let newest_first: Vec<&str> = VERSIONS.iter().rev().copied().collect();
    assert_eq!(found(api, &zoo, "ordering=-version").await?, newest_first);
    let unit = &api.list("/content/rpm/packages/").await?[0];
    for key in ["evr", "version_order", "release_order"] {
        assert!(unit.get(key).is_none(), "{key} is shown: {unit}");
    }
    api.serve_rpm(&RpmMirror {
        repository: zoo,
        remote: Value::Null,
    })
    .await?;
    let path = "/search/rpm/packages/?distribution=zoo&version__gt=1.9&ordering=-version";
    let first = &api.list(path).await?[0];
    assert_eq!(first["content"]["version"], "1.10.1", "{first}");
    Ok(())
}

async fn what_cannot_be_compared_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (filter, said) in [
        ("evr__contains=1", "can only be compared"),
        ("evr__regex=1", "can only be compared"),
        ("evr__range=1", "two values"),
        ("version_order=1", "no such filter"),
    ] {
        let path = format!("/content/rpm/packages/?{filter}");
        let reply = api.get(&path).await?;
        let name = filter.split('=').next().unwrap_or_default();
        let errors = reply.errors_of(name)?;
        assert!(
            errors.iter().any(|error| error.contains(said)),
            "{filter}: {errors:?}"
        );
    }
    let long = format!("/content/rpm/packages/?version__gt={}", "1".repeat(2_000));
    api.get(&long).await?.json(400)?;
    let reply = api
        .get("/content/rpm/packages/?ordering=version_order")
        .await?;
    assert!(!reply.errors_of("ordering")?.is_empty(), "{reply}");
    Ok(())
}

async fn copies_choose_by_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let zoo = mirrored(&server, &upstream).await?.repository;
    let api = server.api();
    let some = api
        .create("/repositories/rpm/rpm/", json!({"name": "some"}))
        .await?;
    let copy = |filter: Value| {
        json!({
            "source_repository": href(&zoo), "destination_repository": href(&some),
            "type": "package", "filter": filter,
        })
    };
    let wanted = copy("name='owl', version>'1.9', evr<'1.10.1-1'".into());
    let copied = api.run_task("/rpm/copy/", wanted).await?.completed()?;
    assert_eq!(copied.0["result"]["added_count"], 2, "{}", copied.0);
    let query = "ordering=version";
    assert_eq!(found(api, &some, query).await?, VERSIONS[2..4]);
    let wrong = copy(json!({"package": "evr__contains='1'"}));
    let reply = api.post("/rpm/copy/", wrong).await?;
    assert!(!reply.errors_of("filter")?.is_empty(), "{reply}");
    Ok(())
}

async fn only_the_newest_stay_of_what_comes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let zoo = mirrored(&server, &upstream).await?.repository;
    let api = server.api();
    let settings = json!({"name": "newest", "retain_package_versions": 2});
    let newest = api.create("/repositories/rpm/rpm/", settings).await?;
    let held = async || found(api, &newest, "ordering=version").await;

    // A modification.
    let version = href(&api.latest_version(&zoo).await?);
    let path = format!("/content/rpm/packages/?repository_version={version}&ordering=version");
    let owls: Vec<String> = api.list(&path).await?.iter().map(href).collect();
    let modify = format!("{}modify/", href(&newest));
    let some = json!({"add_content_units": owls[..3]});
    api.run_task(&modify, some).await?.completed()?;
    assert_eq!(held().await?, VERSIONS[1..3]);
    let summary = &api.latest_version(&newest).await?["content_summary"];
    assert_eq!(summary["present"]["rpm.package"]["count"], 2, "{summary}");
    assert_eq!(summary["added"]["rpm.package"]["count"], 2, "{summary}");
    // What is too old itself changes nothing.
    let oldest = json!({"add_content_units": [owls[0]]});
    let task = api.run_task(&modify, oldest).await?.completed()?;
    assert!(task.created().is_empty(), "{}", task.0);

    // An upload: of version 1.9.5, which drives out the oldest, and of another package.
    let upload = async |name: &str, version: &str| {
        let form = Form::new()
            .file("file", "x.rpm", &package_file(name, version))
            .text("repository", &href(&newest));
        let reply = api.post_form("/content/rpm/packages/", form).await?;
        api.finish(reply).await?.completed()
    };
    upload("owl", "1.9.5").await?;
    assert_eq!(held().await?, ["1.9.5", "1.10~rc1"]);
    upload("bear", "1").await?;
    let bears = found(api, &newest, "name=bear").await?;
    assert_eq!(bears, ["1"], "one package does not drive out another");
    upload("owl", "0.1").await?;
    assert_eq!(found(api, &newest, "name=owl").await?.len(), 2);

    // A copy of all.
    let all = json!({"source_repository": href(&zoo), "destination_repository": href(&newest)});
    api.run_task("/rpm/copy/", all).await?.completed()?;
    let query = "name=owl&ordering=version";
    assert_eq!(found(api, &newest, query).await?, VERSIONS[3..]);
    Ok(())
}
