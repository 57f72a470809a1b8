//! Distribution trees: images and repositories below a repository, mirrored, served and copied.

use anyhow::Result;
use pith_tests::rpm::{RpmMirror, RpmRepository};
use pith_tests::upstream::{Upstream, sha256_hex};
use pith_tests::{Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_tree_is_served_as_the_upstream_has_it,
    a_version_has_one_tree,
    a_tree_is_copied_with_its_files,
    a_tree_can_be_left_out,
    a_broken_tree_is_named,
);

const ISO: &str = "the bytes of an image";
const KERNEL: &str = "the bytes of a kernel";

fn treeinfo(release: &str) -> String {
    format!(
        "[header]\ntype = productmd.treeinfo\nversion = 1.2\n\
         [release]\nname = Zoo\nshort = Zoo\nversion = {release}\n\
         [tree]\narch = x86_64\nbuild_timestamp = 1700000000\nvariants = Main\n\
         [stage2]\nmainimage = images/Boot.iso\n\
         [checksums]\nimages/Boot.iso = sha256:{}\nrepodata/repomd.xml = sha256:00\n\
         [images-x86_64]\nboot.iso = images/Boot.iso\nkernel = images/vmlinuz\n\
         [variant-Main]\nid = Main\nuid = Main\nname = Main\ntype = variant\n\
         packages = Packages\nrepository = .\n\
         [addon-Main-High]\nid = High\nuid = Main-High\nname = High\ntype = addon\n\
         packages = addons/High\nrepository = addons/High\n\
         [variant-Lost]\nid = Lost\nrepository = lost\n",
        sha256_hex(ISO.as_bytes())
    )
}

/// The files below `addons/High`.
fn addon() -> Vec<(String, Vec<u8>)> {
    let all = RpmRepository::of(&[("crane", "1"), ("crane", "2")]).all_files();
    let below = |path: String| format!("addons/High/{path}");
    all.into_iter()
        .map(|(path, bytes)| (below(path), bytes))
        .collect()
}

/// Holds a repository with a tree; the tree's files.
fn hold(upstream: &Upstream, release: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let mut tree = vec![
        (".treeinfo".to_owned(), treeinfo(release).into_bytes()),
        ("images/Boot.iso".to_owned(), ISO.into()),
        ("images/vmlinuz".to_owned(), KERNEL.into()),
    ];
    tree.extend(addon());
    let mut all = RpmRepository::of(&[("bear", release)]).all_files();
    all.extend(tree.iter().cloned());
    let files: Vec<(&str, &[u8])> = all
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    let url = upstream.hold("zoo", &files);
    (url.trim_end_matches("PULP_MANIFEST").to_owned(), tree)
}

async fn check_served(server: &TestServer, name: &str, tree: &[(String, Vec<u8>)]) -> Result<()> {
    for (path, bytes) in tree {
        let served = server.fetch_bytes(&format!("{name}/{path}")).await?;
        assert_eq!(&served[..], bytes, "{name}/{path}");
    }
    Ok(())
}

async fn a_tree_is_served_as_the_upstream_has_it(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (url, tree) = hold(&upstream, "1");
    for (name, policy, params, settings) in [
        ("now", "immediate", json!({}), json!({})),
        (
            "later",
            "on_demand",
            json!({"sync_policy": "mirror_complete"}),
            json!({}),
        ),
        ("flat", "on_demand", json!({}), json!({"layout": "flat"})),
    ] {
        let mirror = api.rpm_mirror(name, &url, policy).await?;
        api.change(&mirror.repository, settings).await?;
        api.sync_rpm(&mirror, params).await?.completed()?;
        api.serve_rpm(&mirror).await?;
        check_served(&server, name, &tree).await?;
        // The repository around it is there as ever.
        server
            .fetch_bytes(&format!("{name}/repodata/repomd.xml"))
            .await?;
        let units = api.rpm_units(&mirror, "distribution_trees").await?;
        let [found] = units.as_slice() else {
            anyhow::bail!("one tree was expected: {units:?}");
        };
        assert_eq!(found["release_version"], "1");
        assert_eq!(found["arch"], "x86_64");
        assert_eq!(found["mainimage"], "images/Boot.iso");
        assert_eq!(
            found["repositories"],
            json!(["addons/High"]),
            "`lost` is not there"
        );
        let addon = json!([{
            "addon_id": "High", "uid": "Main-High", "name": "High", "type": "addon",
            "packages": "addons/High",
        }]);
        assert_eq!(found["addons"], addon);
        assert_eq!(found["variants"][0]["variant_id"], "Main");
        assert_eq!(found["images"][1]["path"], "images/vmlinuz");
        let artifacts = found["artifacts"].as_object().map(serde_json::Map::len);
        assert_eq!(artifacts, Some(tree.len()), "{found}");
    }
    Ok(())
}

async fn a_version_has_one_tree(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (url, _) = hold(&upstream, "1");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let (_, tree) = hold(&upstream, "2");
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let units = api.rpm_units(&mirror, "distribution_trees").await?;
    assert_eq!(units.len(), 1, "{units:?}");
    assert_eq!(units[0]["release_version"], "2");
    assert_eq!(
        api.rpm_units(&mirror, "packages").await?.len(),
        2,
        "additive"
    );
    api.serve_rpm(&mirror).await?;
    check_served(&server, "zoo", &tree).await
}

async fn a_tree_is_copied_with_its_files(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (url, tree) = hold(&upstream, "1");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let copy = api.rpm_mirror("copy", &url, "on_demand").await?;
    let plan = json!({
        "source_repository": href(&mirror.repository),
        "destination_repository": href(&copy.repository),
        "type": "distribution_tree",
    });
    api.run_task("/rpm/copy/", plan).await?.completed()?;
    assert!(api.rpm_units(&copy, "packages").await?.is_empty());
    api.serve_rpm(&copy).await?;
    check_served(&server, "copy", &tree).await
}

async fn a_tree_can_be_left_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (url, _) = hold(&upstream, "1");
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let params = json!({"skip_types": ["treeinfo"]});
    api.sync_rpm(&mirror, params).await?.completed()?;
    assert!(
        api.rpm_units(&mirror, "distribution_trees")
            .await?
            .is_empty()
    );
    api.serve_rpm(&mirror).await?;
    assert_eq!(server.fetch("zoo/.treeinfo").await?.status(), 404);
    Ok(())
}

async fn a_broken_tree_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let sync = async |name: &str, files: &[(&'static str, &str)]| -> Result<Value> {
        let mut repository = RpmRepository::of(&[("bear", "1")]);
        for (path, bytes) in files {
            repository = repository.with_file(path, bytes);
        }
        let url = repository.hold(&upstream, name);
        let mirror: RpmMirror = api.rpm_mirror(name, &url, "on_demand").await?;
        Ok(api.sync_rpm(&mirror, json!({})).await?.0)
    };
    let broken = sync("nameless", &[(".treeinfo", "[header]\nversion = 1\n")]).await?;
    assert_eq!(broken["state"], "failed");
    let why = text(&broken["error"]["description"]);
    assert!(
        why.contains(".treeinfo") && why.contains("architecture"),
        "{why}"
    );
    // What leads out of the tree is no file of it.
    let odd = "[tree]\narch = x\n[images-x]\na = ../../etc/passwd\nb = /etc/passwd\n\
               [variant-A]\nrepository = ../..\n";
    let fine = sync("odd", &[("treeinfo", odd)]).await?;
    assert_eq!(fine["state"], "completed", "{fine}");
    Ok(())
}
