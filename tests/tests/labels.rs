//! Labels: set with the resource, one at a time, and searched by.

use anyhow::Result;
use pith_tests::{Test, href, on_both_databases};
use serde_json::json;

on_both_databases!(
    labels_come_with_the_resource,
    one_label_is_set_and_unset,
    resources_are_chosen_by_label,
    every_kind_of_resource_has_labels,
    a_strange_label_is_refused,
);

async fn labels_come_with_the_resource(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "a", "pulp_labels": {"team": "red", "empty": ""}});
    let repository = api.create("/repositories/file/file/", settings).await?;
    assert_eq!(
        repository["pulp_labels"],
        json!({"team": "red", "empty": ""})
    );
    let changed = api
        .change(&repository, json!({"pulp_labels": {"team": "blue"}}))
        .await?;
    assert_eq!(changed["pulp_labels"], json!({"team": "blue"}));
    let changed = api
        .change(&repository, json!({"description": "other"}))
        .await?;
    assert_eq!(changed["pulp_labels"], json!({"team": "blue"}));
    Ok(())
}

async fn one_label_is_set_and_unset(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("a").await?;
    let set = format!("{}set_label/", href(&repository));
    let unset = format!("{}unset_label/", href(&repository));
    let answer = api
        .create(&set, json!({"key": "team", "value": "red"}))
        .await?;
    assert_eq!(answer, json!({"key": "team", "value": "red"}));
    api.create(&set, json!({"key": "tier", "value": "one"}))
        .await?;
    let labels = &api.get(&href(&repository)).await?.ok()?["pulp_labels"];
    assert_eq!(*labels, json!({"team": "red", "tier": "one"}));
    let answer = api.create(&unset, json!({"key": "team"})).await?;
    assert_eq!(answer, json!({"key": "team", "value": "red"}));
    let labels = &api.get(&href(&repository)).await?.ok()?["pulp_labels"];
    assert_eq!(*labels, json!({"tier": "one"}));
    Ok(())
}

async fn resources_are_chosen_by_label(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (name, labels) in [
        ("a", json!({"team": "red", "tier": "one"})),
        ("b", json!({"team": "blue"})),
        ("c", json!({})),
    ] {
        let settings = json!({"name": name, "pulp_labels": labels});
        api.create("/repositories/file/file/", settings).await?;
    }
    for (select, expected) in [
        ("team", "ab"),
        ("team=red", "a"),
        ("team!=red", "b"),
        ("!team", "c"),
        ("team~r", "a"),
        ("team=red,tier=one", "a"),
        ("team=red,tier=two", ""),
    ] {
        let select: String = select
            .replace('!', "%21")
            .replace('=', "%3D")
            .replace('~', "%7E");
        let path = format!("/repositories/file/file/?ordering=name&pulp_label_select={select}");
        let names: String = api
            .list(&path)
            .await?
            .iter()
            .map(|one| pith_tests::text(&one["name"]).to_owned())
            .collect();
        assert_eq!(names, expected, "{select}");
    }
    Ok(())
}

async fn every_kind_of_resource_has_labels(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let remote = api
        .file_remote("a", "http://127.0.0.1/PULP_MANIFEST", "immediate")
        .await?;
    let distribution = api
        .new_distribution(json!({"name": "a", "base_path": "a"}))
        .await?;
    let unit = api.upload_file("a.txt", b"a", None).await?;
    for resource in [remote, distribution, unit] {
        let path = format!("{}set_label/", href(&resource));
        // A distribution's answer is 200, every other one's 201, as in Pulp.
        let answer = api.post(&path, json!({"key": "k", "value": "v"})).await?;
        assert!(matches!(answer.status(), 200 | 201), "{answer}");
        let labels = &api.get(&href(&resource)).await?.ok()?["pulp_labels"];
        assert_eq!(*labels, json!({"k": "v"}), "{resource}");
    }
    Ok(())
}

async fn a_strange_label_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("a").await?;
    let set = format!("{}set_label/", href(&repository));
    for (key, value) in [
        ("a-key", "v"),
        ("", "v"),
        ("k", "a,b"),
        ("k", "(v)"),
        ("k=", "v"),
    ] {
        let reply = api.post(&set, json!({"key": key, "value": value})).await?;
        assert_eq!(reply.status(), 400, "{key:?}={value:?}: {reply}");
    }
    let settings = json!({"name": "b", "pulp_labels": {"a-key": "v"}});
    let reply = api.post("/repositories/file/file/", settings).await?;
    assert!(reply.json(400)?.get("pulp_labels").is_some(), "{reply}");
    Ok(())
}
