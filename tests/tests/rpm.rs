//! Mirrors of RPM repositories: what comes, what is published of it, and what is refused.

use anyhow::{Context, Result, ensure};
use pith_tests::rpm::{RpmPackage, RpmRepository, index_path, package_file};
use pith_tests::upstream::Upstream;
use pith_tests::{Form, Test, href, on_both_databases, present, text};
use serde_json::{Value, json};

on_both_databases!(
    a_mirror_publishes_what_the_upstream_has,
    packages_come_on_demand,
    fields_have_the_names_of_pulp,
    publications_are_reproducible,
    every_form_of_an_index_is_told_by_its_bytes,
    everything_but_packages_comes_too,
    an_advisory_that_is_listed_twice_is_merged,
    broken_entries_are_left_out,
    sources_are_skipped_when_asked,
    mirroring_removes_and_additive_keeps,
    only_the_newest_builds_stay,
    settings_of_the_repository_count_where_the_client_is_silent,
    nothing_is_done_when_nothing_changed,
    databases_alone_are_refused_in_words,
    an_index_with_another_checksum_stages_nothing,
    a_bomb_is_stopped_at_its_announced_size,
    an_uploaded_package_is_published,
    an_upload_that_is_no_package_is_refused,
);

const PACKAGE: &str = "rpm.package";

pub(crate) const UPDATE: &str = "<update from=\"a@b\" status=\"final\" type=\"security\" version=\"1\">\
    <id>ZOO-1</id><title>bear</title><severity>Low</severity><summary>s</summary>\
    <issued date=\"2024-01-01 00:00:00\"/><updated date=\"2024-01-02 00:00:00\"/>\
    <description>d</description><references/><pkglist><collection short=\"z\"><name>z</name>\
    <package name=\"bear\" version=\"2\" release=\"1\" epoch=\"0\" arch=\"noarch\" src=\"s\">\
    <filename>f</filename></package></collection></pkglist></update>";

pub(crate) const COMPS: &str = "<?xml version=\"1.0\"?>\n<comps>\
    <group><id>birds</id><name>Birds</name><description>d</description>\
    <packagelist><packagereq type=\"mandatory\">owl</packagereq></packagelist></group>\
    <category><id>all</id><name>All</name><grouplist><groupid>birds</groupid></grouplist></category>\
    <environment><id>zoo</id><name>Zoo</name></environment>\
    <langpacks><match name=\"owl\" install=\"owl-%s\"/></langpacks></comps>\n";

pub(crate) const MODULES: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: cage\n  stream: 1.10\n  \
    version: 7\n  context: c0ffee\n  arch: noarch\n  description: a cage\n  artifacts:\n    rpms:\n    \
    - bear-0:1-1.noarch\n...\n---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: cage\n  \
    stream: \"1.10\"\n...\n---\ndocument: modulemd-obsoletes\nversion: 1\ndata:\n  \
    modified: 2022-01-24T08:54Z\n  module: cage\n  stream: \"1.0\"\n  message: gone\n...\n";

async fn a_mirror_publishes_what_the_upstream_has(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    // In no order: a publication has its own.
    let theirs = RpmRepository::of(&[("owl", "1"), ("bear", "2"), ("bear", "1")]);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "immediate").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let version = api.latest_version(&mirror.repository).await?;
    assert_eq!(present(&version, PACKAGE), 3);
    api.serve_rpm(&mirror).await?;
    let repomd = server.fetch_bytes("zoo/repodata/repomd.xml").await?;
    let repomd = String::from_utf8(repomd.to_vec())?;
    let mut sorted = theirs.packages.clone();
    sorted.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let elements =
        |each: &dyn Fn(&RpmPackage) -> String| sorted.iter().map(each).collect::<String>();
    for (kind, expected) in [
        ("primary", elements(&|one| one.primary(&one.path()))),
        ("filelists", elements(&RpmPackage::filelists)),
        ("other", elements(&RpmPackage::other)),
    ] {
        let path = index_path(&repomd, kind)?;
        let index = server.fetch_bytes(&format!("zoo/{path}")).await?;
        let index = std::str::from_utf8(&index)?;
        ensure!(
            index.contains(&expected),
            "{kind}: {index}\nlacks {expected}"
        );
        ensure!(index.contains("packages=\"3\""), "{kind}: {index}");
    }
    for package in &theirs.packages {
        let bytes = server
            .fetch_bytes(&format!("zoo/{}", package.path()))
            .await?;
        assert_eq!(bytes, package.bytes);
    }
    Ok(())
}

async fn packages_come_on_demand(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let theirs = RpmRepository::of(&[("bear", "1")]);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let package = &theirs.packages[0];
    let path = format!("/held/zoo/{}", package.upstream_path());
    assert_eq!(upstream.requests(&path), 0);
    api.serve_rpm(&mirror).await?;
    for _ in 0..2 {
        let bytes = server
            .fetch_bytes(&format!("zoo/{}", package.path()))
            .await?;
        assert_eq!(bytes, package.bytes);
    }
    assert_eq!(upstream.requests(&path), 1);
    Ok(())
}

async fn fields_have_the_names_of_pulp(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let theirs = RpmRepository::of(&[("bear", "1")]).with("modules", "modules.yaml", MODULES);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let package = &api.rpm_units(&mirror, "packages").await?[0];
    let expected = json!({
        "name": "bear", "epoch": "0", "version": "1", "release": "1", "arch": "noarch",
        "pkgId": theirs.packages[0].id(), "checksum_type": "sha256", "summary": "The <bear>",
        "description": "One & all", "url": "http://example.org/", "location_href": "bear-1.rpm",
        "files": [[null, "/usr/bin/", "bear"]], "changelogs": [["A <a@b>", 7, "- made"]],
        "provides": [["bear", "EQ", "0", "1", "1", false]], "requires": [],
        "size_package": theirs.packages[0].bytes.len(), "time_build": 1, "is_modular": true,
        "rpm_license": "MIT", "rpm_header_start": null,
    });
    for (name, value) in expected.as_object().context("an object")? {
        assert_eq!(&package[name], value, "{name}");
    }
    let id = theirs.packages[0].id();
    let found = api
        .list(&format!("/content/rpm/packages/?pkgId={id}"))
        .await?;
    assert_eq!(found.len(), 1);
    Ok(())
}

async fn publications_are_reproducible(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1"), ("owl", "2")])
        .with(
            "updateinfo",
            "updateinfo.xml",
            &format!("<updates>{UPDATE}</updates>"),
        )
        .with("group", "comps.xml", COMPS)
        .hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    for form in ["zstd", "gz", "none"] {
        let mut lists = Vec::new();
        for turn in ["a", "b"] {
            let settings = json!({
                "repository": href(&mirror.repository), "compression_type": form,
                "checksum_type": "sha512",
            });
            let task = api.run_task("/publications/rpm/rpm/", settings).await?;
            let publication = task.completed()?.created_one("/publications/")?;
            let name = format!("{form}-{turn}");
            let settings = json!({"name": name, "base_path": name, "publication": publication});
            let task = api.run_task("/distributions/rpm/rpm/", settings).await?;
            task.completed()?;
            let path = format!("{name}/repodata/repomd.xml");
            lists.push(server.fetch_bytes(&path).await?);
        }
        assert_eq!(lists[0], lists[1], "{form}");
        let repomd = String::from_utf8(lists[0].to_vec())?;
        ensure!(repomd.contains("<checksum type=\"sha512\">"), "{repomd}");
        let primary = index_path(&repomd, "primary")?;
        let bytes = server.fetch_bytes(&format!("{form}-a/{primary}")).await?;
        let magic: &[u8] = match form {
            "zstd" => &[0x28, 0xb5, 0x2f, 0xfd],
            "gz" => &[0x1f, 0x8b],
            _ => b"<?xml",
        };
        ensure!(bytes.starts_with(magic), "{form}: {:?}", bytes.get(..8));
    }
    Ok(())
}

async fn every_form_of_an_index_is_told_by_its_bytes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1"), ("owl", "2")]).hold(&upstream, "zoo");
    let api = server.api();
    let first = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&first, json!({})).await?.completed()?;
    for form in ["zstd", "gz"] {
        let settings = json!({"repository": href(&first.repository), "compression_type": form});
        let task = api.run_task("/publications/rpm/rpm/", settings).await?;
        let publication = task.completed()?.created_one("/publications/")?;
        let settings = json!({"name": form, "base_path": form, "publication": publication});
        let task = api.run_task("/distributions/rpm/rpm/", settings).await?;
        task.completed()?;
        // A mirror of a mirror, whose indexes have this form.
        let url = format!("{}/pulp/content/{form}/", server.base_url());
        let second = api
            .rpm_mirror(&format!("of-{form}"), &url, "on_demand")
            .await?;
        api.sync_rpm(&second, json!({})).await?.completed()?;
        let units = |units: Vec<Value>| -> Vec<String> { units.iter().map(href).collect() };
        assert_eq!(
            units(api.rpm_units(&second, "packages").await?),
            units(api.rpm_units(&first, "packages").await?)
        );
    }
    Ok(())
}

async fn everything_but_packages_comes_too(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1")])
        .with(
            "updateinfo",
            "updateinfo.xml",
            &format!("<updates>{UPDATE}</updates>"),
        )
        .with("group", "comps.xml", COMPS)
        .with("modules", "modules.yaml", MODULES)
        .with("productid", "productid", "a certificate")
        .hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let version = api.latest_version(&mirror.repository).await?;
    for content_type in [
        "advisory",
        "modulemd",
        "modulemd_defaults",
        "modulemd_obsolete",
        "packagegroup",
        "packagecategory",
        "packageenvironment",
        "packagelangpacks",
        "repo_metadata_file",
    ] {
        let name = format!("rpm.{content_type}");
        assert_eq!(present(&version, &name), 1, "{name}");
    }
    let module = &api.rpm_units(&mirror, "modulemds").await?[0];
    assert_eq!(module["stream"], "1.10");
    let advisory = &api.rpm_units(&mirror, "advisories").await?[0];
    assert_eq!(advisory["pkglist"][0]["packages"][0]["name"], "bear");
    api.serve_rpm(&mirror).await?;
    let repomd = server.fetch_bytes("zoo/repodata/repomd.xml").await?;
    let repomd = String::from_utf8(repomd.to_vec())?;
    for (kind, whole) in [
        ("updateinfo", UPDATE),
        ("group", "<category><id>all</id>"),
        ("modules", "  stream: 1.10\n"),
        ("productid", "a certificate"),
    ] {
        let path = index_path(&repomd, kind)?;
        let index = server.fetch_bytes(&format!("zoo/{path}")).await?;
        let index = std::str::from_utf8(&index)?;
        ensure!(index.contains(whole), "{kind}: {index}");
    }
    Ok(())
}

async fn an_advisory_that_is_listed_twice_is_merged(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let other = UPDATE.replace("name=\"bear\"", "name=\"owl\"");
    let url = RpmRepository::of(&[])
        .with(
            "updateinfo",
            "updateinfo.xml",
            &format!("<updates>{UPDATE}\n{other}</updates>"),
        )
        .hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let advisories = api.rpm_units(&mirror, "advisories").await?;
    assert_eq!(advisories.len(), 1);
    let collections = advisories[0]["pkglist"].as_array().context("a list")?;
    let names: Vec<&str> = collections
        .iter()
        .map(|one| text(&one["packages"][0]["name"]))
        .collect();
    assert_eq!(names, ["bear", "owl"]);
    Ok(())
}

async fn broken_entries_are_left_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = RpmRepository::of(&[("bear", "1"), ("bear", "1"), ("owl", "1")]);
    let nameless = RpmPackage::new("x", "1").primary("x.rpm");
    theirs.raw_primary = nameless.replace("<arch>noarch</arch>", "<arch>../up</arch>");
    // The same name with other bytes.
    let mut impostor = RpmPackage::new("owl", "1");
    impostor.bytes = b"others".to_vec();
    theirs.packages.push(impostor);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let task = api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert_eq!(task.done("sync.skipped.packages"), Some(2), "{}", task.0);
    let version = api.latest_version(&mirror.repository).await?;
    assert_eq!(present(&version, PACKAGE), 2);
    let log = server.log()?;
    ensure!(log.contains("its arch is"), "the log names no broken entry");
    ensure!(log.contains("owl-0:1-1.noarch"), "the log names no twin");
    Ok(())
}

async fn sources_are_skipped_when_asked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = RpmRepository::of(&[("bear", "1")]);
    let source = RpmPackage::new("bear", "2").primary("bear-2.src.rpm");
    theirs.raw_primary = source.replace("<arch>noarch</arch>", "<arch>src</arch>");
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let params = json!({"skip_types": ["srpm"]});
    api.sync_rpm(&mirror, params).await?.completed()?;
    let version = api.latest_version(&mirror.repository).await?;
    assert_eq!(present(&version, PACKAGE), 1);
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let version = api.latest_version(&mirror.repository).await?;
    assert_eq!(present(&version, PACKAGE), 2);
    Ok(())
}

async fn mirroring_removes_and_additive_keeps(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1"), ("owl", "1")]).hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    RpmRepository::of(&[("bear", "2")]).hold(&upstream, "zoo");
    for (policy, count) in [("additive", 3), ("mirror_content_only", 1)] {
        let params = json!({"sync_policy": policy});
        api.sync_rpm(&mirror, params).await?.completed()?;
        let version = api.latest_version(&mirror.repository).await?;
        assert_eq!(present(&version, PACKAGE), count, "{policy}");
    }
    Ok(())
}

async fn only_the_newest_builds_stay(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[
        ("owl", "1.9"),
        ("owl", "1.10"),
        ("owl", "1.10~rc1"),
        ("bear", "1"),
    ])
    // Packages of modules stay, however old they are.
    .with("modules", "modules.yaml", MODULES)
    .hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let newest = json!({"retain_package_versions": 1, "sync_policy": "additive"});
    let settings = json!({"retain_package_versions": 2});
    api.patch(&href(&mirror.repository), settings)
        .await?
        .json(200)?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let packages = || async {
        let units = api.rpm_units(&mirror, "packages").await?;
        let named = |unit: &Value| format!("{} {}", text(&unit["name"]), text(&unit["version"]));
        let mut names: Vec<String> = units.iter().map(named).collect();
        names.sort();
        anyhow::Ok(names)
    };
    assert_eq!(packages().await?, ["bear 1", "owl 1.10", "owl 1.10~rc1"]);
    // Nothing changed upstream, and yet there is something to do.
    api.sync_rpm(&mirror, newest.clone()).await?.completed()?;
    assert_eq!(packages().await?, ["bear 1", "owl 1.10"]);
    RpmRepository::of(&[("owl", "2"), ("owl", "1.9"), ("bear", "2")])
        .with("modules", "modules.yaml", MODULES)
        .hold(&upstream, "zoo");
    api.sync_rpm(&mirror, newest).await?.completed()?;
    assert_eq!(packages().await?, ["bear 1", "bear 2", "owl 2"]);
    Ok(())
}

async fn settings_of_the_repository_count_where_the_client_is_silent(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "zoo", "compression_type": "zstd", "checksum_type": "sha512"});
    let repository = api.create("/repositories/rpm/rpm/", settings).await?;
    let publish = |more: Value| {
        let mut body = json!({"repository": href(&repository)});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let api = &api;
        async move {
            let task = api.run_task("/publications/rpm/rpm/", body).await?;
            let made = task.completed()?.created().remove(0);
            let made = api.get(&made).await?.json(200)?;
            let word = |field: &str| text(&made[field]).to_owned();
            anyhow::Ok((word("compression_type"), word("checksum_type")))
        }
    };
    let silent = publish(json!({})).await?;
    assert_eq!(silent, ("zstd".to_owned(), "sha512".to_owned()));
    let told = publish(json!({"compression_type": "gz"})).await?;
    assert_eq!(told, ("gz".to_owned(), "sha512".to_owned()));
    Ok(())
}

async fn nothing_is_done_when_nothing_changed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let primary = "/held/zoo/repodata/primary.xml";
    assert_eq!(upstream.requests(primary), 1);
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert_eq!(upstream.requests(primary), 1);
    api.sync_rpm(&mirror, json!({"optimize": false}))
        .await?
        .completed()?;
    assert_eq!(upstream.requests(primary), 2);
    assert_eq!(api.latest_number(&mirror.repository).await?, 1);
    Ok(())
}

async fn databases_alone_are_refused_in_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let repomd = "<repomd><data type=\"primary_db\"><checksum type=\"sha256\">00</checksum>\
        <location href=\"repodata/primary.sqlite.bz2\"/></data></repomd>";
    let url = upstream.hold("zoo", &[("repodata/repomd.xml", repomd.as_bytes())]);
    let url = url.trim_end_matches("PULP_MANIFEST");
    let mirror = server.api().rpm_mirror("zoo", url, "on_demand").await?;
    let task = server.api().sync_rpm(&mirror, json!({})).await?;
    let failure = task.failure()?;
    ensure!(failure.contains("SQLite databases only"), "{failure}");
    Ok(())
}

async fn an_index_with_another_checksum_stages_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = RpmRepository::of(&[("bear", "1")]);
    theirs.lies.push("filelists");
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let task = api.sync_rpm(&mirror, json!({})).await?;
    let failure = task.failure()?;
    ensure!(failure.contains("filelists.xml: wrong digest"), "{failure}");
    assert_eq!(api.list("/content/rpm/packages/").await?.len(), 0);
    Ok(())
}

async fn a_bomb_is_stopped_at_its_announced_size(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    // An index that says it is as large decoded as it is encoded.
    let url = RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let api = server.api();
    let first = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&first, json!({})).await?.completed()?;
    let settings = json!({"repository": href(&first.repository), "compression_type": "gz"});
    let task = api.run_task("/publications/rpm/rpm/", settings).await?;
    let publication = task.completed()?.created_one("/publications/")?;
    let settings = json!({"name": "gz", "base_path": "gz", "publication": publication});
    let task = api.run_task("/distributions/rpm/rpm/", settings).await?;
    task.completed()?;
    let repomd = server.fetch_bytes("gz/repodata/repomd.xml").await?;
    let repomd = String::from_utf8(repomd.to_vec())?;
    let primary = server
        .fetch_bytes(&format!("gz/{}", index_path(&repomd, "primary")?))
        .await?;
    let mut bomb = RpmRepository::of(&[]);
    bomb.indexes
        .push(("updateinfo", "updateinfo.xml.gz", primary.to_vec()));
    let url = bomb.hold(&upstream, "bomb");
    let mirror = api.rpm_mirror("bomb", &url, "on_demand").await?;
    let task = api.sync_rpm(&mirror, json!({})).await?;
    let failure = task.failure()?;
    ensure!(failure.contains("decoded bytes"), "{failure}");
    Ok(())
}

async fn an_uploaded_package_is_published(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let file = package_file("ant", "3");
    let form = Form::new()
        .text("repository", &href(&mirror.repository))
        .file("file", "any-name.rpm", &file);
    let reply = api.post_form("/content/rpm/packages/", form).await?;
    let task = api.finish(reply).await?.completed()?;
    let package = api
        .get(&task.created_one("/content/rpm/packages/")?)
        .await?;
    let package = package.ok()?;
    assert_eq!(package["version"], "3");
    assert_eq!(package["sha256"], package["pkgId"]);
    assert_eq!(package["files"], json!([[null, "/usr/bin/", "tool"]]));
    assert_eq!(
        package["provides"],
        json!([["ant", "EQ", "2", "3", "1", false]])
    );
    api.serve_rpm(&mirror).await?;
    let repomd = server.fetch_bytes("zoo/repodata/repomd.xml").await?;
    let repomd = String::from_utf8(repomd.to_vec())?;
    let primary = index_path(&repomd, "primary")?;
    let primary = server.fetch_bytes(&format!("zoo/{primary}")).await?;
    let primary = std::str::from_utf8(&primary)?;
    ensure!(primary.contains("packages=\"2\""), "{primary}");
    ensure!(
        primary.contains("<summary>One &amp; all</summary>"),
        "{primary}"
    );
    ensure!(primary.contains("<file>/usr/bin/tool</file>"), "{primary}");
    let served = server
        .fetch_bytes("zoo/Packages/a/ant-3-1.noarch.rpm")
        .await?;
    assert_eq!(served, file);
    Ok(())
}

async fn an_upload_that_is_no_package_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    // The second says that it has four billion entries.
    let mut bomb = package_file("ant", "3");
    bomb[96 + 16 + 8..96 + 16 + 16].fill(0xff);
    let whole = package_file("ant", "3");
    let cut = &whole[..whole.len() - 9];
    let files: [(&[u8], &str); 3] = [
        (b"no package", "is no RPM package"),
        (&bomb, "at most"),
        (cut, "ends inside of its header"),
    ];
    for (file, expected) in files {
        let form = Form::new().file("file", "x.rpm", file);
        let reply = api.post_form("/content/rpm/packages/", form).await?;
        let task = api.finish(reply).await?;
        let failure = task.failure()?;
        ensure!(failure.contains(expected), "{failure}");
    }
    assert_eq!(api.list("/content/rpm/packages/").await?.len(), 0);
    Ok(())
}
