//! Search in Galaxy's API: by ranges of versions, words and what is the highest, and what those
//! find who do not say who they are.

use anyhow::{Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::{Api, Form, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::ansible::SIGNATURE;

on_both_databases!(
    versions_are_found_by_ranges,
    collections_are_found_by_words_and_deprecation,
    what_goes_with_a_version_is_told,
    what_is_public_is_found_by_anybody,
    lists_follow_what_is_served,
);

const SEARCH: &str = "/api/galaxy/v3/plugin/ansible/search/collection-versions/";
const COLLECTIONS: &str = "/api/galaxy/v3/plugin/ansible/collections";

/// A repository that is served with labels.
async fn shelf(
    server: &TestServer,
    name: &str,
    labels: Value,
    all: &[Collection],
) -> Result<Value> {
    let api = server.api();
    let repository = api.ansible_repository(name).await?;
    let settings = json!({"name": name, "base_path": name, "pulp_labels": labels,
        "repository": href(&repository)});
    api.run_task("/distributions/ansible/ansible/", settings)
        .await?
        .completed()?;
    for one in all {
        api.upload_collection(one, Some(&repository)).await?;
    }
    Ok(repository)
}

fn owls(version: &str) -> Collection {
    Collection::new("zoo", "owls", version)
}

/// Names and versions that an address lists.
async fn found(api: &Api, address: &str) -> Result<Vec<String>> {
    let listed = api.get(address).await?.ok()?;
    let data = listed["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(listed["meta"]["count"], data.len(), "{listed}");
    let mut names: Vec<String> = data
        .iter()
        .map(|one| match one.get("name") {
            Some(name) => format!("{} {}", text(name), text(&one["version"])),
            None => text(&one["version"]).to_owned(),
        })
        .collect();
    names.sort();
    Ok(names)
}

async fn versions_are_found_by_ranges(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let all = ["0.9.0", "1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0"].map(owls);
    shelf(&server, "zoo", json!({}), &all).await?;
    let versions = format!("{COLLECTIONS}/zoo/index/zoo/owls/versions/");
    for (range, wanted) in [
        (">=1.0.0,<2.0.0-a", &["1.0.0", "1.10.0", "1.9.0"][..]),
        (">1.9", &["1.10.0", "2.0.0", "2.0.0-rc.1"]),
        ("!=1.0,<=1.9.0", &["0.9.0", "1.9.0"]),
        ("==1.10", &["1.10.0"]),
        ("1.10.0", &["1.10.0"]),
    ] {
        let encoded = range
            .replace('>', "%3E")
            .replace('<', "%3C")
            .replace('=', "%3D");
        for parameter in ["version", "version_range"] {
            let address = format!("{versions}?{parameter}={encoded}");
            assert_eq!(found(api, &address).await?, wanted, "{address}");
            let address = format!("{SEARCH}?distribution=zoo&{parameter}={encoded}");
            let wanted: Vec<String> = wanted.iter().map(|one| format!("owls {one}")).collect();
            assert_eq!(found(api, &address).await?, wanted, "{address}");
        }
    }
    for address in [&versions, SEARCH] {
        let refused = api.get(&format!("{address}?version_range=~1.0")).await?;
        let refused = refused.json(400)?;
        let detail = text(&refused["errors"][0]["detail"]);
        ensure!(detail.contains("version_range"), "{refused}");
    }
    // The host's own lists compare versions in the same way.
    let path = "/content/ansible/collection_versions/?version__gte=1.9&version__lt=1.11";
    let listed = api
        .list(&format!("{path}&ordering=version&fields=version"))
        .await?;
    assert_eq!(
        json!(listed),
        json!([{"version": "1.9.0"}, {"version": "1.10.0"}])
    );
    let highest = format!("{SEARCH}?distribution=zoo&is_highest=true");
    assert_eq!(found(api, &highest).await?, ["owls 2.0.0"]);
    let others = format!("{SEARCH}?distribution=zoo&is_highest=false");
    assert_eq!(found(api, &others).await?.len(), all.len() - 1);
    let others = format!("{versions}?is_highest=false&version=2.0.0");
    assert_eq!(found(api, &others).await?, Vec::<String>::new());
    Ok(())
}

async fn collections_are_found_by_words_and_deprecation(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let bats = Collection::new("zoo", "bats", "1.0.0").needing(json!({"zoo.owls": ">=1.0.0"}));
    shelf(
        &server,
        "zoo",
        json!({}),
        &[owls("1.0.0"), owls("1.1.0"), bats],
    )
    .await?;
    shelf(&server, "park", json!({}), &[owls("1.0.0")]).await?;
    for (filter, wanted) in [
        ("keywords=owls", &["owls 1.0.0", "owls 1.1.0"][..]),
        ("q=the%20BATS", &["bats 1.0.0"]),
        ("q=the%20eagle", &[]),
        ("keywords=zoo&name=bats", &["bats 1.0.0"]),
        ("q=o'wl", &[]),
        ("tags=zoo&highest=true", &["bats 1.0.0", "owls 1.1.0"]),
        ("tags=zoo,none", &[]),
        ("dependency=zoo.owls", &["bats 1.0.0"]),
        ("repository_name=park", &[]),
        ("repository_name=park,zoo&name=bats", &["bats 1.0.0"]),
        ("order_by=-name&name=bats", &["bats 1.0.0"]),
    ] {
        let address = format!("{SEARCH}?distribution=zoo&{filter}");
        assert_eq!(found(api, &address).await?, wanted, "{filter}");
    }
    let units = "/content/ansible/collection_versions/?fields=name&terms=";
    let listed = api.get(&format!("{units}bat,zoo")).await?.ok()?;
    assert_eq!(listed["results"], json!([{"name": "bats"}]));
    // Each word is a condition, and a statement has only so many.
    let many = vec!["owl"; 51].join(",");
    let refused = api.get(&format!("{units}{many}")).await?;
    assert_eq!(refused.errors_of("terms")?, ["Expected at most 50 words."]);
    let many = vec!["owl"; 51].join("%20");
    let refused = api.get(&format!("{SEARCH}?keywords={many}")).await?;
    let said = refused.json(400)?.to_string();
    ensure!(said.contains("at most 50 words"), "{said}");
    // What the plugin asks the host beside filters is not to be asked by others.
    for given in [
        "tell=greatest:version:name",
        "fields=name",
        "exclude_fields=content",
    ] {
        let refused = api.get(&format!("{SEARCH}?{given}")).await?.json(400)?;
        ensure!(refused.to_string().contains("no such filter"), "{refused}");
    }
    let refused = api
        .get(&format!("{SEARCH}?with=collection_version:description"))
        .await?
        .json(400)?;
    ensure!(refused.to_string().contains("No index"), "{refused}");
    // Highest is what is highest in its own repository.
    let address = format!("{SEARCH}?distribution=zoo,park&name=owls&is_highest=true");
    assert_eq!(found(api, &address).await?, ["owls 1.0.0", "owls 1.1.0"]);

    let index = format!("{COLLECTIONS}/zoo/index/");
    let names = |deprecated: &'static str| {
        let address = format!("{index}?deprecated={deprecated}");
        async move {
            let listed = api.get(&address).await?.ok()?;
            let data = listed["data"].as_array().cloned().unwrap_or_default();
            let names = data.iter().map(|one| text(&one["name"]).to_owned());
            anyhow::Ok(names.collect::<Vec<_>>())
        }
    };
    assert_eq!(names("true").await?, Vec::<String>::new());
    assert_eq!(names("false").await?, ["bats", "owls"]);
    let body = json!({"deprecated": true});
    let accepted = api
        .patch(&format!("{index}zoo/owls/"), body)
        .await?
        .json(202)?;
    let id = text(&accepted["task_id"]);
    api.wait(&format!("/tasks/{id}/")).await?.completed()?;
    assert_eq!(names("true").await?, ["owls"]);
    assert_eq!(names("false").await?, ["bats"]);
    Ok(())
}

async fn what_goes_with_a_version_is_told(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let all = [owls("1.0.0"), owls("1.1.0")];
    let zoo = shelf(&server, "zoo", json!({}), &all).await?;
    let park = shelf(&server, "park", json!({}), &[owls("1.0.0")]).await?;
    let told = async |filter: &str| {
        let address = format!("{SEARCH}?distribution=zoo,park&order_by=version&{filter}");
        let listed = api.get(&address).await?.ok()?;
        let data = listed["data"].as_array().cloned().unwrap_or_default();
        assert_eq!(listed["meta"]["count"], data.len(), "{listed}");
        let rows = data.iter().map(|one| {
            let words = ["highest", "deprecated", "signed"];
            let is = |word: &&str| one[format!("is_{word}")] == true;
            let is: Vec<&str> = words.into_iter().filter(is).collect();
            let (at, version) = (text(&one["repository"]["name"]), text(&one["version"]));
            format!("{at} {version} {}", is.join(" "))
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        anyhow::Ok(rows)
    };
    let bare = ["park 1.0.0 highest", "zoo 1.0.0 ", "zoo 1.1.0 highest"];
    assert_eq!(told("").await?, bare);
    assert_eq!(told("signed=true").await?, [""; 0]);
    assert_eq!(told("deprecated=true").await?, [""; 0]);

    // Each of one repository, and nothing of it is told of the other.
    let units = api.ansible_units(&zoo, "collection_versions").await?;
    let first = units.iter().find(|unit| unit["version"] == "1.0.0");
    let form = Form::new()
        .file("file", "signature.asc", SIGNATURE.as_bytes())
        .text("signed_collection", &href(first.expect("a version")))
        .text("repository", &href(&zoo));
    let reply = api
        .post_form("/content/ansible/collection_signatures/", form)
        .await?;
    api.finish(reply).await?.completed()?;
    let deprecation = json!({"namespace": "zoo", "name": "owls", "repository": href(&park)});
    api.run_task("/content/ansible/collection_deprecations/", deprecation)
        .await?
        .completed()?;
    let [park, signed, last] = [
        "park 1.0.0 highest deprecated",
        "zoo 1.0.0 signed",
        "zoo 1.1.0 highest",
    ];
    for (filter, wanted) in [
        ("", &[park, signed, last][..]),
        ("is_signed=true", &[signed]),
        ("is_signed=false", &[park, last]),
        ("is_deprecated=true", &[park]),
        ("is_deprecated=false&is_signed=false", &[last]),
        ("is_highest=true&deprecated=0", &[last]),
    ] {
        assert_eq!(told(filter).await?, wanted, "{filter}");
    }
    // It is gone with what it was of.
    let remove = json!({"remove_content_units": ["*"]});
    api.modify(&zoo, remove).await?;
    assert_eq!(told("").await?, [park]);
    Ok(())
}

async fn what_is_public_is_found_by_anybody(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let open = json!({"content": "public"});
    let shown = shelf(&server, "open", open, &[owls("1.0.0"), owls("2.0.0")]).await?;
    shelf(
        &server,
        "hidden",
        json!({}),
        &[Collection::new("zoo", "bats", "1.0.0")],
    )
    .await?;
    let first = api
        .get(&format!("{}versions/1/", href(&shown)))
        .await?
        .ok()?;
    let ada = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", ada).await?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    for guest in [&api.anonymous(), &ada] {
        assert_eq!(found(guest, SEARCH).await?, ["owls 1.0.0", "owls 2.0.0"]);
        for nothing in [
            "?distribution=hidden",
            "?name=bats",
            "?distribution_labels=!content",
            "?distribution=hidden,none",
        ] {
            let address = format!("{SEARCH}{nothing}");
            assert_eq!(
                found(guest, &address).await?,
                Vec::<String>::new(),
                "{nothing}"
            );
        }
        let listed = guest
            .get(&format!("{SEARCH}?name=owls&version=2.0.0"))
            .await?
            .ok()?;
        let distributions = &listed["data"][0]["related_fields"]["distributions"];
        assert_eq!(distributions[0]["base_path"], "open", "{listed}");
    }
    // What is served no more is not for everybody.
    let remove = json!({"remove_content_units": ["*"]});
    api.modify(&shown, remove).await?;
    let all = format!("{SEARCH}?show_versions=all");
    assert_eq!(found(api, &all).await?.len(), 2);
    for guest in [&api.anonymous(), &ada] {
        assert_eq!(found(guest, &all).await?, Vec::<String>::new());
        let address = format!("{SEARCH}?repository_version={}", href(&first));
        let reply = guest.get(&address).await?;
        ensure!(!reply.text().contains("owls"), "{reply}");
    }
    // The host's own search stays for users.
    let own = api
        .anonymous()
        .get("/search/ansible/collection_versions/")
        .await?;
    assert_eq!(own.status(), 401);
    Ok(())
}

async fn lists_follow_what_is_served(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = shelf(&server, "zoo", json!({}), &[owls("1.0.0")]).await?;
    let index = format!("{COLLECTIONS}/zoo/index/zoo/owls/");
    let versions = format!("{index}versions/");
    for number in 1..4 {
        // What was remembered of the version before is not believed of the next.
        let highest = format!("{number}.0.0");
        for _ in 0..2 {
            assert_eq!(found(api, &versions).await?.len(), number);
            let one = api.get(&index).await?.ok()?;
            assert_eq!(one["highest_version"]["version"], highest);
            assert_eq!(
                found(api, &format!("{versions}?limit=1&version={highest}")).await?,
                std::slice::from_ref(&highest)
            );
        }
        let next = owls(&format!("{}.0.0", number + 1));
        api.upload_collection(&next, Some(&repository)).await?;
    }
    let other = shelf(&server, "park", json!({}), &[owls("9.0.0")]).await?;
    let distribution = api
        .list("/distributions/ansible/ansible/?name=zoo")
        .await?
        .remove(0);
    let change = json!({"repository": href(&other)});
    api.patch(&href(&distribution), change).await?.ok()?;
    assert_eq!(found(api, &versions).await?, ["9.0.0"]);
    let task = api.delete(&href(&distribution)).await?.json(202)?;
    api.wait(text(&task["task"])).await?.completed()?;
    assert_eq!(api.get(&versions).await?.status(), 404);
    Ok(())
}
