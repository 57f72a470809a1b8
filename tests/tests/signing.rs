//! Signing services: how they are added, and what they sign.

use anyhow::Result;
use pith_tests::rpm::RpmRepository;
use pith_tests::signer::Signer;
use pith_tests::upstream::Upstream;
use pith_tests::{Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_publication_is_signed,
    what_does_not_sign_is_not_added,
    a_publication_that_cannot_be_signed_fails,
    only_signing_services_are_taken,
);

/// Adds a signer as `zoo`; what the command said.
async fn add(server: &TestServer, signer: &Signer, more: &[&str]) -> Result<(bool, String)> {
    let script = signer.script();
    let mut arguments = vec![
        "signing-service",
        "add",
        "zoo",
        script.to_str().expect("UTF-8"),
    ];
    arguments.extend(more);
    let output = server.run(&arguments).await?;
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((output.status.success(), said))
}

async fn service(server: &TestServer) -> Result<Value> {
    let (added, said) = add(server, &Signer::new().await?, &[]).await?;
    assert!(added, "{said}");
    Ok(server.api().list("/signing-services/").await?.remove(0))
}

async fn a_publication_is_signed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let signer = Signer::new().await?;
    let key = std::fs::read_to_string(signer.public_key())?;
    let (added, said) = add(
        &server,
        &signer,
        &["--public-key", signer.public_key().to_str().expect("UTF-8")],
    )
    .await?;
    assert!(added, "{said}");
    let api = server.api();
    let service = api.list("/signing-services/?name=zoo").await?.remove(0);
    assert_eq!(service["public_key"], key.as_str());
    assert_eq!(service["script"], signer.script().to_str().expect("UTF-8"));
    let fingerprint = text(&service["pubkey_fingerprint"]);
    assert!(
        fingerprint.len() == 40 && said.contains(fingerprint),
        "{said}"
    );
    assert_eq!(api.get(&href(&service)).await?.ok()?, service);

    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let settings = json!({"metadata_signing_service": href(&service)});
    api.patch(&href(&mirror.repository), settings).await?.ok()?;
    let repository = api.get(&href(&mirror.repository)).await?.ok()?;
    assert_eq!(repository["metadata_signing_service"], service["pulp_href"]);
    let synced = api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let publication = api
        .get(&synced.created_one("/publications/")?)
        .await?
        .ok()?;
    assert_eq!(
        publication["metadata_signing_service"],
        service["pulp_href"]
    );
    api.serve_rpm(&mirror).await?;
    let repomd = server.fetch_bytes("zoo/repodata/repomd.xml").await?;
    let signature = server.fetch_bytes("zoo/repodata/repomd.xml.asc").await?;
    assert_eq!(
        server.fetch_bytes("zoo/repodata/repomd.xml.key").await?,
        key
    );
    signer.verify(test.directory(), &repomd, &signature).await?;
    let changed = [&repomd[..], b" "].concat();
    assert!(
        signer
            .verify(test.directory(), &changed, &signature)
            .await
            .is_err()
    );

    // Without it, nothing vouches for the indexes.
    let path = format!("{}modify/", href(&mirror.repository));
    let settings = json!({"metadata_signing_service": null});
    api.patch(&href(&mirror.repository), settings).await?.ok()?;
    let package = href(&api.rpm_units(&mirror, "packages").await?[0]);
    api.run_task(&path, json!({"remove_content_units": [package]}))
        .await?
        .completed()?;
    server
        .fetch_until("zoo/repodata/repomd.xml.asc", |reply| reply.status() == 404)
        .await?;
    Ok(())
}

async fn what_does_not_sign_is_not_added(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (signer, other) = (Signer::new().await?, Signer::new().await?);
    let key = other.public_key();
    let (added, said) = add(
        &server,
        &signer,
        &["--public-key", key.to_str().expect("UTF-8")],
    )
    .await?;
    assert!(
        !added && said.contains("does not fit the public key"),
        "{said}"
    );
    let script = signer.script();
    let script = script.to_str().expect("UTF-8");
    let (added, said) = add(&server, &signer, &["--public-key", script]).await?;
    assert!(
        !added && said.contains("ASCII armored public key"),
        "{said}"
    );
    for (lines, words) in [
        ("echo the card is gone >&2; exit 1", "the card is gone"),
        ("echo done", "was expected to print JSON"),
        (
            "printf '{\"signature\": \"%s\"}' \"$1\"",
            "names no \"key\"",
        ),
    ] {
        signer.write_script(lines)?;
        let (added, said) = add(&server, &signer, &[]).await?;
        assert!(!added && said.contains(words), "{lines}: {said}");
    }
    let (added, said) = add(
        &server,
        &signer,
        &["nobody@example.org", "--gnupghome", "/nonexistent"],
    )
    .await?;
    assert!(!added, "{said}");
    assert!(server.api().list("/signing-services/").await?.is_empty());
    Ok(())
}

async fn a_publication_that_cannot_be_signed_fails(test: Test) -> Result<()> {
    let server = test.start().await?;
    let signer = Signer::new().await?;
    let (added, said) = add(&server, &signer, &[]).await?;
    assert!(added, "{said}");
    let (added, said) = add(&server, &signer, &[]).await?;
    assert!(!added && said.contains("zoo already"), "{said}");
    let api = server.api();
    let service = api.list("/signing-services/").await?.remove(0);
    let settings = json!({"name": "r", "metadata_signing_service": text(&service["prn"])});
    let repository = api.create("/repositories/rpm/rpm/", settings).await?;
    let publish = json!({"repository": href(&repository)});
    signer.write_script("echo the card is gone >&2; exit 1")?;
    let task = api
        .run_task("/publications/rpm/rpm/", publish.clone())
        .await?;
    let failure = task.failure()?;
    for words in ["\"zoo\"", "the card is gone"] {
        assert!(failure.contains(words), "{failure}");
    }
    let output = server.run(&["signing-service", "remove", "zoo"]).await?;
    assert!(output.status.success(), "{output:?}");
    assert!(api.list("/signing-services/").await?.is_empty());
    let task = api.run_task("/publications/rpm/rpm/", publish).await?;
    assert!(task.failure()?.contains("was removed"), "{}", task.0);
    assert!(api.list("/publications/rpm/rpm/").await?.is_empty());
    Ok(())
}

async fn only_signing_services_are_taken(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let service = service(&server).await?;
    let gone = href(&service).replace(&href(&service)[30..40], "0000000000");
    for (wrong, words) in [
        ("zoo", "Not a valid"),
        (gone.as_str(), "does not exist"),
        (
            "/pulp/api/v3/workers/0190e2f4-0000-7000-8000-000000000001/",
            "another kind",
        ),
    ] {
        let settings = json!({"name": "r", "metadata_signing_service": wrong});
        let reply = api.post("/repositories/rpm/rpm/", settings).await?;
        let error = reply.json(400)?;
        let told = error["metadata_signing_service"].to_string();
        assert!(
            !told.is_empty() && error.get("metadata_signing_service").is_some(),
            "{words}: {error}"
        );
    }
    let other = api.anonymous().get("/signing-services/").await?;
    assert_eq!(other.status(), 401);
    Ok(())
}
