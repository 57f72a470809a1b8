//! Signatures of collections: made by the server, uploaded, checked, and kept.

use anyhow::{Result, ensure};
use pith_tests::ansible::{AnsibleMirror, Collection};
use pith_tests::signer::Signer;
use pith_tests::upstream::{Upstream, sha256_hex};
use pith_tests::{Api, Form, Task, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::ansible::SIGNATURE;

on_both_databases!(
    the_server_signs_what_is_chosen,
    what_is_not_here_is_not_signed,
    uploaded_signatures_are_checked_by_the_keyring,
    signatures_stay_through_copies_and_syncs,
    versions_are_marked_and_unmarked,
);

/// Adds a signer as a service.
async fn service(server: &TestServer, signer: &Signer) -> Result<Value> {
    let script = signer.script();
    let arguments = [
        "signing-service",
        "add",
        "zoo",
        script.to_str().expect("UTF-8"),
    ];
    let output = server.run(&arguments).await?;
    ensure!(output.status.success(), "{output:?}");
    Ok(server.api().list("/signing-services/").await?.remove(0))
}

fn owls(version: &str) -> Collection {
    Collection::new("zoo", "owls", version)
}

/// A repository with two versions.
async fn repository(api: &Api, name: &str) -> Result<(Value, Vec<Value>)> {
    let repository = api.ansible_repository(name).await?;
    let mut units = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        units.push(
            api.upload_collection(&owls(version), Some(&repository))
                .await?,
        );
    }
    Ok((repository, units))
}

async fn sign(api: &Api, repository: &Value, units: Value, service: &Value) -> Result<Task> {
    let body = json!({"content_units": units, "signing_service": href(service)});
    api.run_task(&format!("{}sign/", href(repository)), body)
        .await
}

/// Whether a signature is the signer's of a collection.
async fn is_of(
    server: &TestServer,
    signer: &Signer,
    signature: &Value,
    collection: &Collection,
) -> bool {
    let manifest = collection.manifest_json().to_string();
    let data = text(&signature["data"]).as_bytes();
    let folder = server.data_directory();
    let verified = signer.verify(folder, manifest.as_bytes(), data).await;
    verified.is_ok()
}

async fn the_server_signs_what_is_chosen(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let signer = Signer::new().await?;
    let service = service(&server, &signer).await?;
    let (repository, units) = repository(api, "zoo").await?;
    let one = json!([href(&units[0])]);
    sign(api, &repository, one, &service).await?.completed()?;
    let signatures = api
        .ansible_units(&repository, "collection_signatures")
        .await?;
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0]["version"], "1.0.0");
    assert_eq!(
        signatures[0]["pubkey_fingerprint"],
        service["pubkey_fingerprint"]
    );
    // It says which service made it, and is found by that.
    assert_eq!(signatures[0]["signing_service"], service["pulp_href"]);
    for (filter, count) in [
        (format!("signing_service={}", href(&service)), 1),
        (format!("signing_service={}", href(&units[0])), 0),
        ("signing_service__isnull=true".to_owned(), 0),
    ] {
        let place = "/content/ansible/collection_signatures/";
        let found = api.list(&format!("{place}?{filter}")).await?;
        assert_eq!(found.len(), count, "{filter}");
    }
    assert!(is_of(&server, &signer, &signatures[0], &owls("1.0.0")).await);
    assert!(!is_of(&server, &signer, &signatures[0], &owls("1.1.0")).await);

    // The rest, and what is signed is not signed twice.
    sign(api, &repository, json!(["*"]), &service)
        .await?
        .completed()?;
    let number = api.latest_number(&repository).await?;
    sign(api, &repository, json!(["*"]), &service)
        .await?
        .completed()?;
    assert_eq!(api.latest_number(&repository).await?, number);
    let signatures = api
        .ansible_units(&repository, "collection_signatures")
        .await?;
    assert_eq!(signatures.len(), 2);

    // Clients find them with the version.
    api.serve_ansible(&repository).await?;
    let version = "/api/galaxy/v3/plugin/ansible/collections/zoo/index/zoo/owls/versions/1.1.0/";
    let version = api.get(version).await?.ok()?;
    let found = &version["signatures"][0]["signature"];
    ensure!(text(found).contains("BEGIN PGP SIGNATURE"), "{version}");

    for (body, field) in [
        (json!({"content_units": ["*"]}), "signing_service"),
        (json!({"signing_service": href(&service)}), "content_units"),
        (
            json!({"content_units": ["*"], "signing_service": href(&repository)}),
            "signing_service",
        ),
        (
            json!({"content_units": ["x"], "signing_service": href(&service)}),
            "content_units",
        ),
    ] {
        let refused = api
            .post(&format!("{}sign/", href(&repository)), body)
            .await?;
        ensure!(refused.json(400)?[field].is_array(), "{field}: {refused}");
    }
    let odd = api
        .post(&format!("{}paint/", href(&repository)), json!({}))
        .await?;
    assert_eq!(odd.status(), 404);
    Ok(())
}

async fn what_is_not_here_is_not_signed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let signer = Signer::new().await?;
    let service = service(&server, &signer).await?;
    let upstream = Upstream::start().await?;
    let galaxy = pith_tests::ansible::GalaxyServer::of(vec![owls("1.0.0")]);
    let url = galaxy.hold(&upstream, "galaxy")?;
    let lazy = json!({"policy": "on_demand"});
    let mirror = api.ansible_mirror("zoo", &url, lazy).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let task = sign(api, &mirror.repository, json!(["*"]), &service).await?;
    let failure = task.failure()?;
    ensure!(
        failure.contains("zoo.owls 1.0.0") && failure.contains("upstream"),
        "{failure}"
    );
    assert_eq!(api.latest_number(&mirror.repository).await?, 1);
    Ok(())
}

/// Uploads a signature of a unit into a repository.
async fn upload(api: &Api, data: &str, unit: &Value, repository: &Value) -> Result<Task> {
    let form = Form::new()
        .file("file", "signature.asc", data.as_bytes())
        .text("signed_collection", &href(unit))
        .text("repository", &href(repository));
    let reply = api
        .post_form("/content/ansible/collection_signatures/", form)
        .await?;
    api.finish(reply).await
}

async fn uploaded_signatures_are_checked_by_the_keyring(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let signer = Signer::new().await?;
    let service = service(&server, &signer).await?;
    let (signed, units) = repository(api, "signed").await?;
    sign(api, &signed, json!(["*"]), &service)
        .await?
        .completed()?;
    let signatures = api.ansible_units(&signed, "collection_signatures").await?;
    let of = |version: &str| {
        let found = signatures.iter().find(|one| one["version"] == version);
        text(&found.expect("signed")["data"]).to_owned()
    };
    let key = std::fs::read_to_string(signer.public_key())?;
    let (checked, _) = repository(api, "checked").await?;
    api.patch(&href(&checked), json!({"gpgkey": key}))
        .await?
        .ok()?;
    upload(api, &of("1.0.0"), &units[0], &checked)
        .await?
        .completed()?;
    let number = api.latest_number(&checked).await?;

    // Of other bytes, of another key, and by another way.
    let task = upload(api, &of("1.0.0"), &units[1], &checked).await?;
    let failure = task.failure()?.to_owned();
    ensure!(
        failure.contains("does not fit") && failure.contains("gpgkey"),
        "{failure}"
    );
    let task = upload(api, SIGNATURE, &units[1], &checked).await?;
    ensure!(task.failure()?.contains("does not fit"), "{task:?}");
    let form = Form::new()
        .file("file", "signature.asc", SIGNATURE.as_bytes())
        .text("signed_collection", &href(&units[1]))
        .text("gpgkey", "")
        .text("repository", &href(&checked));
    let reply = api
        .post_form("/content/ansible/collection_signatures/", form)
        .await?;
    assert_eq!(reply.status(), 400, "{reply}");
    assert_eq!(api.latest_number(&checked).await?, number);

    api.patch(&href(&checked), json!({"gpgkey": "no key"}))
        .await?
        .ok()?;
    let task = upload(api, &of("1.1.0"), &units[1], &checked).await?;
    ensure!(task.failure()?.contains("keyring"), "{task:?}");
    // Without a keyring nothing is checked.
    api.patch(&href(&checked), json!({"gpgkey": null}))
        .await?
        .ok()?;
    upload(api, &of("1.1.0"), &units[1], &checked)
        .await?
        .completed()?;
    Ok(())
}

async fn signatures_stay_through_copies_and_syncs(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let signer = Signer::new().await?;
    let service = service(&server, &signer).await?;
    let (source, _) = repository(api, "source").await?;
    sign(api, &source, json!(["*"]), &service)
        .await?
        .completed()?;
    api.serve_ansible(&source).await?;
    let copied = api.ansible_repository("copied").await?;
    api.serve_ansible(&copied).await?;
    let body = json!({"source_repository": href(&source),
        "destination_repository": href(&copied)});
    api.run_task("/ansible/copy/", body).await?.completed()?;
    let signatures = api.ansible_units(&copied, "collection_signatures").await?;
    assert_eq!(signatures.len(), 2);

    // A version that moves takes its signature along.
    let ready = api.ansible_repository("ready").await?;
    api.serve_ansible(&ready).await?;
    let movement = "/api/galaxy/v3/plugin/ansible/collections/copied/index/zoo/owls/versions/\
        1.0.0/move/copied/ready/";
    let moved = api.post(movement, json!({})).await?.json(202)?;
    for task in moved["tasks"].as_array().into_iter().flatten() {
        api.wait(text(&task["pulp_href"])).await?.completed()?;
    }
    for (repository, version) in [(&ready, "1.0.0"), (&copied, "1.1.0")] {
        let signatures = api
            .ansible_units(repository, "collection_signatures")
            .await?;
        assert_eq!(signatures.len(), 1);
        assert_eq!(signatures[0]["version"], version);
    }

    // And another server gets them by its sync.
    let url = format!("{}/pulp_ansible/galaxy/source/api/", server.base_url());
    let mirror: AnsibleMirror = api.ansible_mirror("mirror", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let theirs = api
        .ansible_units(&mirror.repository, "collection_signatures")
        .await?;
    let digests = |units: &[Value]| {
        let mut all: Vec<String> = units
            .iter()
            .map(|one| sha256_hex(text(&one["data"]).as_bytes()))
            .collect();
        all.sort();
        all
    };
    let ours = api.ansible_units(&source, "collection_signatures").await?;
    assert_eq!(digests(&theirs), digests(&ours));
    Ok(())
}

async fn versions_are_marked_and_unmarked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (repository, units) = repository(api, "zoo").await?;
    api.serve_ansible(&repository).await?;
    let versions = "/api/galaxy/v3/plugin/ansible/collections/zoo/index/zoo/owls/versions/";
    let marks = || async {
        let listed = api.get(versions).await?.ok()?;
        let data = listed["data"].as_array().cloned().unwrap_or_default();
        let marks: Vec<Value> = data.iter().map(|one| one["marks"].clone()).collect();
        anyhow::Ok(marks)
    };
    let change = |verb: &str, units: Value, value: &str| {
        let path = format!("{}{verb}/", href(&repository));
        let body = json!({"content_units": units, "value": value});
        async move { api.run_task(&path, body).await?.completed() }
    };
    change("mark", json!(["*"]), "tested").await?;
    change("mark", json!([href(&units[1])]), "certified").await?;
    assert_eq!(
        marks().await?,
        [json!(["certified", "tested"]), json!(["tested"])]
    );
    change("unmark", json!(["*"]), "tested").await?;
    assert_eq!(marks().await?, [json!(["certified"]), json!([])]);
    let one = api.get(&format!("{versions}1.1.0/")).await?.ok()?;
    assert_eq!(one["marks"], json!(["certified"]));
    let wrong = json!({"content_units": ["*"], "value": "two words"});
    let refused = api
        .post(&format!("{}mark/", href(&repository)), wrong)
        .await?;
    ensure!(refused.json(400)?["value"].is_array(), "{refused}");
    Ok(())
}
