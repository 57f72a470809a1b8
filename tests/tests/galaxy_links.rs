//! That no link of Galaxy's API is dead, and that every address of the refactored API is there.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::{Test, TestServer, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    every_link_leads_somewhere,
    every_address_of_the_refactored_api_is_answered,
);

const GALAXY: &str = "/api/galaxy";

/// Two repositories that are served, with versions, a deprecation, a namespace and a remote.
async fn zoo(server: &TestServer) -> Result<()> {
    let api = server.api();
    let remote = json!({"name": "up", "url": "http://localhost:1/api/"});
    let remote = api.create("/remotes/ansible/collection/", remote).await?;
    for name in ["published", "staging"] {
        let settings = json!({"name": name, "remote": remote["pulp_href"]});
        let repository = api
            .create("/repositories/ansible/ansible/", settings)
            .await?;
        let labels = json!({"content": "public"});
        let settings = json!({"name": name, "base_path": name, "pulp_labels": labels,
            "repository": repository["pulp_href"]});
        api.run_task("/distributions/ansible/ansible/", settings)
            .await?
            .completed()?;
        for (collection, version) in [("owls", "1.0.0"), ("owls", "1.1.0-rc.1"), ("bats", "2.0.0")]
        {
            let one = Collection::new("zoo", collection, version);
            api.upload_collection(&one, Some(&repository)).await?;
        }
    }
    let namespaces = format!("{GALAXY}/v3/plugin/ansible/namespaces/");
    let zoo = json!({"name": "zoo", "company": "The Zoo"});
    api.post(&namespaces, zoo).await?.json(201)?;
    Ok(())
}

/// The texts in a document that are addresses of this server.
fn links(document: &Value, origin: &str, found: &mut BTreeSet<String>) {
    match document {
        Value::String(text) => {
            let path = text.strip_prefix(origin).unwrap_or(text);
            let roots = ["/api/", "/pulp/", "/pulp_ansible/"];
            if roots.iter().any(|root| path.starts_with(root)) {
                found.insert(path.to_owned());
            }
        }
        Value::Array(items) => items.iter().for_each(|one| links(one, origin, found)),
        Value::Object(fields) => fields.values().for_each(|one| links(one, origin, found)),
        _ => {}
    }
}

async fn every_link_leads_somewhere(test: Test) -> Result<()> {
    let server = test.start().await?;
    zoo(&server).await?;
    for root in [
        GALAXY,
        "/api/galaxy/content/staging",
        "/pulp_ansible/galaxy/staging/api",
    ] {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut open = BTreeSet::from([format!("{root}/")]);
        while let Some(address) = open.pop_first() {
            let reply = server.api().get(&address).await?;
            ensure!(
                [200, 301, 302].contains(&reply.status()),
                "{address} is a dead link: {reply}"
            );
            seen.insert(address.clone());
            let mut found = BTreeSet::new();
            if reply.status() != 200 {
                links(
                    &json!(reply.header("location")),
                    server.base_url(),
                    &mut found,
                );
            } else if address.starts_with(root) {
                let said = reply.ok().with_context(|| address.clone())?;
                links(&said, server.base_url(), &mut found);
            }
            open.extend(found.difference(&seen).cloned());
        }
        let parts = [
            "/v3/auth/token/",
            "/v3/collections/",
            "/v3/plugin/ansible/distributions/",
            "/v3/plugin/ansible/namespaces/zoo/",
            "/v3/plugin/ansible/search/collection-versions/",
        ];
        for part in parts {
            ensure!(
                seen.contains(&format!("{root}{part}")),
                "{root} does not lead to {part}, but to {seen:#?}"
            );
        }
    }
    Ok(())
}

async fn every_address_of_the_refactored_api_is_answered(test: Test) -> Result<()> {
    let server = test.start().await?;
    zoo(&server).await?;
    let version = "collections/published/index/zoo/owls/versions/1.0.0";
    let plugin = [
        "",
        "/client-configuration/",
        "/content/published/collections/",
        "/search",
        "/search/collection-versions",
        "/distributions/",
        "/distributions/published/",
        "/distributions/published/sync/config",
        "/collections/published/artifacts/collections/",
        "/collections/published/artifacts/collections/zoo-owls-1.0.0.tar.gz",
        "/collections/published/index/",
        "/collections/published/index/zoo/owls/",
        "/collections/published/index/zoo/owls/versions/",
        &format!("/{version}/"),
        &format!("/{version}/docs-blob/"),
        "/collections/published/all",
        "/namespaces",
        "/namespaces/zoo",
        "/namespaces/zoo/users",
        "/namespaces/zoo/groups",
        "/imports",
    ];
    let beside = [
        "/",
        "/plugin",
        "/tasks/",
        "/auth",
        "/auth/me",
        "/auth/login",
        "/auth/logout",
        "/auth/token",
        "/configuration",
        "/groups",
        "/users",
    ];
    let mut addresses: Vec<(String, u16)> = Vec::new();
    for spelling in ["plugin", "plugins"] {
        for path in plugin {
            let is_file = path.ends_with(".tar.gz");
            let address = format!("{GALAXY}/v3/{spelling}/ansible{path}");
            addresses.push((address, if is_file { 302 } else { 200 }));
        }
        for path in ["", "/search", "/repositories", "/namespaces"] {
            // The container plugin is absent.
            let address = format!("{GALAXY}/v3/{spelling}/execution-environments{path}");
            addresses.push((address, 404));
        }
    }
    addresses.extend(beside.map(|path| (format!("{GALAXY}/v3{path}"), 200)));
    let before = ["/collections", "/artifacts", "/namespaces", "/imports"];
    addresses.extend(before.map(|path| (format!("{GALAXY}/v3{path}"), 301)));
    for (address, status) in &addresses {
        let reply = server.api().get(address).await?;
        ensure!(reply.status() == *status, "{address}: {reply}");
        let options = server.api().options(address).await?;
        let wanted = if *status == 404 { 404 } else { 200 };
        ensure!(options.status() == wanted, "OPTIONS {address}: {options}");
    }
    let archives = format!("{GALAXY}/v3/plugin/ansible/collections/staging/artifacts/collections/");
    let archives = server.api().get(&archives).await?.ok()?;
    assert_eq!(archives["meta"]["count"], 3);
    assert_eq!(
        text(&archives["data"][0]["filename"]),
        "zoo-bats-2.0.0.tar.gz"
    );
    Ok(())
}
