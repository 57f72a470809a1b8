//! Packages that are signed when they are uploaded, with the tools that RPM has for it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pith_tests::rpm::RpmMirror;
use pith_tests::signer::Signer;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Form, Task, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};
use tokio::process::Command;

on_both_databases!(
    an_uploaded_package_is_signed,
    a_key_may_be_of_another_kind,
    a_repository_may_name_another_key,
    what_is_not_signed_is_not_taken,
    a_program_is_tried_with_a_package,
);

const PACKAGES: &str = "/content/rpm/packages/";

/// Signs as administrators do, with the key of that folder.
fn signing_with(home: &Path) -> String {
    format!(
        "rpmsign --define \"__gpg $(command -v gpg)\" --define \"_gpg_path {}\" \
         --define \"_gpg_name $PULP_SIGNING_KEY_FINGERPRINT\" --addsign \"$1\" >&2 || exit 1\n\
         printf '{{\"rpm_package\": \"%s\"}}' \"$1\"",
        home.display()
    )
}

async fn tool(program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).output().await;
    let output = output.with_context(|| format!("{program} must be installed"))?;
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{program} {arguments:?}: {said}");
    Ok(said)
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A package that nobody signed.
async fn build(test: &Test, name: &str) -> Result<PathBuf> {
    let folder = test.directory().join("build");
    std::fs::create_dir_all(&folder)?;
    let spec = folder.join(format!("{name}.spec"));
    let text = format!(
        "Name: {name}\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
         %description\nx\n%files\n"
    );
    std::fs::write(&spec, text)?;
    let top = format!("_topdir {}", folder.display());
    let arguments = ["-bb", "--quiet", "--define", &top, path_text(&spec)];
    tool("rpmbuild", &arguments).await?;
    Ok(folder.join(format!("RPMS/noarch/{name}-1-1.noarch.rpm")))
}

/// What `rpm` says of a package if it knows nothing but this key.
async fn check(test: &Test, key: &Path, package: &[u8]) -> Result<String> {
    let file = test.directory().join("checked.rpm");
    std::fs::write(&file, package)?;
    let known = test
        .directory()
        .join(format!("keys-{}", sha256_hex(package)));
    std::fs::create_dir_all(&known)?;
    let known = path_text(&known);
    tool("rpmkeys", &["--dbpath", known, "--import", path_text(key)]).await?;
    tool("rpmkeys", &["--dbpath", known, "-K", path_text(&file)]).await
}

/// Takes a signer into service as `zoo`.
async fn add(server: &TestServer, signer: &Signer, package: &Path) -> Result<Value> {
    signer.write_script(&signing_with(signer.home()))?;
    let (script, key) = (signer.script(), signer.public_key());
    let arguments = ["signing-service", "add", "zoo", path_text(&script)];
    let more = [
        "--public-key",
        path_text(&key),
        "--sample",
        path_text(package),
    ];
    let output = server.run(&[&arguments[..], &more].concat()).await?;
    ensure!(output.status.success(), "{output:?}");
    Ok(server.api().list("/signing-services/").await?.remove(0))
}

async fn repository(server: &TestServer, name: &str, mut settings: Value) -> Result<RpmMirror> {
    settings["name"] = name.into();
    settings["autopublish"] = true.into();
    let repository = server
        .api()
        .create("/repositories/rpm/rpm/", settings)
        .await?;
    Ok(RpmMirror {
        repository,
        remote: Value::Null,
    })
}

async fn upload(server: &TestServer, repository: &RpmMirror, package: &Path) -> Result<Task> {
    let form = Form::new()
        .text("repository", &href(&repository.repository))
        .file("file", "any-name.rpm", &std::fs::read(package)?);
    let reply = server.api().post_form(PACKAGES, form).await?;
    server.api().finish(reply).await
}

async fn an_uploaded_package_is_signed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let signer = Signer::new().await?;
    let package = build(&test, "bear").await?;
    let service = add(&server, &signer, &package).await?;
    let api = server.api();
    let fingerprint = &service["pubkey_fingerprint"];
    for (name, settings) in [
        ("own", json!({"package_signing_service": href(&service)})),
        (
            "named",
            json!({"package_signing_service": href(&service), "package_signing_fingerprint": fingerprint}),
        ),
    ] {
        let signed = repository(&server, name, settings).await?;
        assert_eq!(
            signed.repository["package_signing_service"],
            service["pulp_href"]
        );
        let task = upload(&server, &signed, &package).await?.completed()?;
        let unit = api.get(&task.created_one(PACKAGES)?).await?.ok()?;
        // The package says who signed it, and is found by that.
        let key = format!("v4:{}", text(fingerprint));
        assert_eq!(unit["signing_keys"], json!([key]));
        let found = api.list(&format!("{PACKAGES}?signing_key={key}")).await?;
        ensure!(
            found
                .iter()
                .any(|one| one["pulp_href"] == unit["pulp_href"]),
            "{key}"
        );
        api.serve_rpm(&signed).await?;
        let path = format!("{name}/Packages/b/bear-1-1.noarch.rpm");
        let served = server.fetch_bytes(&path).await?;
        assert_eq!(text(&unit["pkgId"]), sha256_hex(&served));
        assert_ne!(served, std::fs::read(&package)?);
        let said = check(&test, &signer.public_key(), &served).await?;
        ensure!(said.contains("digests signatures OK"), "{said}");
    }
    // Nothing is signed for whoever does not want it.
    let unsigned = repository(&server, "unsigned", json!({})).await?;
    assert_eq!(unsigned.repository["package_signing_service"], Value::Null);
    let task = upload(&server, &unsigned, &package).await?.completed()?;
    let unit = api.get(&task.created_one(PACKAGES)?).await?.ok()?;
    assert_eq!(unit["signing_keys"], json!([]));
    api.serve_rpm(&unsigned).await?;
    let served = server
        .fetch_bytes("unsigned/Packages/b/bear-1-1.noarch.rpm")
        .await?;
    assert_eq!(served, std::fs::read(&package)?);
    let said = check(&test, &signer.public_key(), &served).await?;
    ensure!(said.contains("digests OK"), "{said}");
    Ok(())
}

async fn a_key_may_be_of_another_kind(test: Test) -> Result<()> {
    let server = test.start().await?;
    let signer = Signer::with("rsa2048").await?;
    let package = build(&test, "bear").await?;
    let service = add(&server, &signer, &package).await?;
    let settings = json!({"package_signing_service": href(&service)});
    let signed = repository(&server, "zoo", settings).await?;
    upload(&server, &signed, &package).await?.completed()?;
    server.api().serve_rpm(&signed).await?;
    let path = "zoo/Packages/b/bear-1-1.noarch.rpm";
    let served = server.fetch_bytes(path).await?;
    let said = check(&test, &signer.public_key(), &served).await?;
    ensure!(said.contains("digests signatures OK"), "{said}");
    Ok(())
}

async fn a_repository_may_name_another_key(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (signer, other) = (Signer::new().await?, Signer::new().await?);
    let package = build(&test, "bear").await?;
    let service = add(&server, &signer, &package).await?;
    let shown = other.gpg(&["--with-colons", "--list-keys"]).await?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let fingerprint = shown.lines().find(|line| line.starts_with("fpr:"));
    let fingerprint = fingerprint.and_then(|line| line.split(':').nth(9));
    let fingerprint = fingerprint.context("gpg shows a fingerprint")?;
    // As Pulp writes it, with the kind, which the program is told beside.
    let is_told = "[ \"$PULP_SIGNING_FINGERPRINT_TYPE\" = v4 ] || exit 1";
    signer.write_script(&format!("{is_told}\n{}", signing_with(other.home())))?;
    let settings = json!({
        "package_signing_service": href(&service),
        "package_signing_fingerprint": format!("v4:{fingerprint}"),
    });
    let signed = repository(&server, "zoo", settings).await?;
    upload(&server, &signed, &package).await?.completed()?;
    server.api().serve_rpm(&signed).await?;
    let path = "zoo/Packages/b/bear-1-1.noarch.rpm";
    let served = server.fetch_bytes(path).await?;
    let said = check(&test, &other.public_key(), &served).await?;
    ensure!(said.contains("digests signatures OK"), "{said}");

    let short = format!("v4:{}", &fingerprint[1..]);
    for wrong in [
        "zoo@example.org",
        "abc",
        &"g".repeat(40),
        "keyid:abc",
        &short,
    ] {
        let settings = json!({"package_signing_fingerprint": wrong});
        let reply = server
            .api()
            .patch(&href(&signed.repository), settings)
            .await?;
        ensure!(
            !reply.errors_of("package_signing_fingerprint")?.is_empty(),
            "{wrong}"
        );
    }
    Ok(())
}

async fn what_is_not_signed_is_not_taken(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (signer, other) = (Signer::new().await?, Signer::new().await?);
    let (package, another) = (build(&test, "bear").await?, build(&test, "owl").await?);
    let service = add(&server, &signer, &package).await?;
    let settings = json!({"package_signing_service": href(&service)});
    let wanted = repository(&server, "zoo", settings).await?;
    let done = "printf '{\"rpm_package\": \"%s\"}' \"$1\"";
    let another = another.display();
    let foreign =
        signing_with(other.home()).replace("$PULP_SIGNING_KEY_FINGERPRINT", "zoo@example.org");
    for (lines, words) in [
        (done.to_owned(), "did not sign the package"),
        (
            format!("cp {another} $1\n{done}"),
            "made another package of it",
        ),
        (foreign, "with another key than its own"),
        ("echo no card >&2; exit 1".to_owned(), "no card"),
        (
            "printf '{\"signature\": \"x\"}'".to_owned(),
            "was expected to print JSON with \"rpm_package\"",
        ),
        (
            "printf '{\"rpm_package\": \"none\"}'".to_owned(),
            "cannot be read",
        ),
        (
            format!("head -c 50 {another} >$1\n{done}"),
            "ends inside of its header",
        ),
    ] {
        signer.write_script(&lines)?;
        let task = upload(&server, &wanted, &package).await?;
        let why = task.failure()?;
        ensure!(why.contains(words), "{lines}: {why}");
    }
    let api = server.api();
    assert!(api.list(PACKAGES).await?.is_empty(), "something was taken");
    let version = api.latest_version(&wanted.repository).await?;
    assert_eq!(version["number"], 0);
    Ok(())
}

async fn a_program_is_tried_with_a_package(test: Test) -> Result<()> {
    let server = test.start().await?;
    let signer = Signer::new().await?;
    let package = build(&test, "bear").await?;
    let (script, key) = (signer.script(), signer.public_key());
    let (script, key, package) = (path_text(&script), path_text(&key), path_text(&package));
    let sample = ["--sample", package];
    let add = async |lines: &str, more: &[&str]| -> Result<String> {
        signer.write_script(lines)?;
        let arguments = ["signing-service", "add", "zoo", script];
        let output = server
            .run(&[&arguments[..], more, &sample].concat())
            .await?;
        ensure!(!output.status.success(), "{lines}: it was added");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let signing = signing_with(signer.home());
    let said = add(&signing, &[]).await?;
    ensure!(said.contains("needs a key"), "{said}");
    let with_key = ["--public-key", key];
    for (lines, words) in [
        (
            "printf '{\"rpm_package\": \"%s\"}' \"$1\"",
            "another one than it was given",
        ),
        (
            "printf '{\"rpm_package\": \"none\"}'",
            "another one than it was given",
        ),
        ("echo no card >&2; exit 1", "no card"),
        ("echo signed", "was expected to print JSON"),
    ] {
        let said = add(lines, &with_key).await?;
        ensure!(said.contains(words), "{lines}: {said}");
    }
    assert!(server.api().list("/signing-services/").await?.is_empty());
    Ok(())
}
