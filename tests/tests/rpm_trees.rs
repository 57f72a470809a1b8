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
    a_hostile_tree_is_refused_in_words,
    a_hostile_repository_below_is_refused_in_words,
    what_leads_out_of_a_tree_is_left_out,
    a_file_of_a_tree_is_what_its_checksum_says,
    a_tree_that_changes_alone_is_seen,
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

/// A task that mirrors a repository with these files beside its packages.
async fn sync_with(
    server: &TestServer,
    upstream: &Upstream,
    (name, policy): (&str, &str),
    files: &[(&str, &[u8])],
) -> Result<(RpmMirror, Value)> {
    let mut all = RpmRepository::of(&[("bear", "1")]).all_files();
    let own = files.iter();
    all.extend(own.map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())));
    let all: Vec<(&str, &[u8])> = all
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    let url = upstream.hold(name, &all);
    let url = url.trim_end_matches("PULP_MANIFEST");
    let mirror = server.api().rpm_mirror(name, url, policy).await?;
    let task = server.api().sync_rpm(&mirror, json!({})).await?.0;
    Ok((mirror, task))
}

/// Fails unless the task failed with all of these words.
fn check_refused(name: &str, task: &Value, words: &[&str]) {
    assert_eq!(task["state"], "failed", "{name}: {task}");
    assert_ne!(task["error"]["code"], "trap", "{name}: {task}");
    let why = text(&task["error"]["description"]);
    for said in words {
        assert!(why.contains(said), "{name}: {said:?} is not said: {why}");
    }
}

/// As many sections or entries as are asked for, each with its number in place of `#`.
fn repeated(count: usize, text: &str) -> String {
    let each = (0..count).map(|number| text.replace('#', &number.to_string()));
    each.collect::<Vec<_>>().concat()
}

async fn a_hostile_tree_is_refused_in_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let tree = |more: &str| format!("[tree]\narch = x\n{more}").into_bytes();
    let rubbish: Vec<u8> = (0..100_000_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let cases: [(&str, Vec<u8>, &[&str]); 10] = [
        ("rubbish", rubbish, &[".treeinfo: it has no sections"]),
        (
            "page",
            b"<!DOCTYPE html><title>Not found</title>".to_vec(),
            &[".treeinfo: it has no sections, as an INI file has"],
        ),
        (
            "nameless",
            b"[header]\nversion = 1\n".to_vec(),
            &[".treeinfo: it names no architecture"],
        ),
        (
            "timeless",
            tree("build_timestamp = NaN\n"),
            &[".treeinfo: its time is no number"],
        ),
        (
            "zero",
            b"[tree]\narch = x\0y\n".to_vec(),
            &["the field \"arch\"", "a text has a zero byte"],
        ),
        (
            "sections",
            tree(&repeated(2_000, "[variant-#]\n")),
            &[".treeinfo: it has 2001 sections; at most 1000 are read"],
        ),
        (
            "repositories",
            tree(&repeated(200, "[addon-#]\nrepository = addons/#\n")),
            &[".treeinfo: it names more than 100 repositories"],
        ),
        (
            "files",
            tree(&format!(
                "[images-x]\n{}",
                repeated(11_000, "# = images/#\n")
            )),
            &["more than 10000 files", "skip_types"],
        ),
        (
            "checksum",
            tree("[checksums]\nimages/a = sha256:beef\n"),
            &["the checksum of \"images/a\" is none: a sha256 has 64 hexadecimal digits"],
        ),
        (
            "huge",
            tree(&repeated(100_000, "# = a long line\n")),
            &[".treeinfo", "larger than the 1048576 bytes"],
        ),
    ];
    for (name, bytes, words) in &cases {
        let files: [(&str, &[u8]); 1] = [(".treeinfo", bytes)];
        let at = (*name, "on_demand");
        let (mirror, task) = sync_with(&server, &upstream, at, &files).await?;
        check_refused(name, &task, words);
        let version = server.api().latest_version(&mirror.repository).await?;
        assert_eq!(version["number"], 0, "{name}: nothing is half done");
    }
    // The plugin is none the worse.
    let fine = hold(&upstream, "1").0;
    let mirror = server.api().rpm_mirror("fine", &fine, "on_demand").await?;
    server
        .api()
        .sync_rpm(&mirror, json!({}))
        .await?
        .completed()?;
    Ok(())
}

const WITH_ADDON: &[u8] = b"[tree]\narch = x\n[addon-A]\nrepository = addons/A\n";

async fn a_hostile_repository_below_is_refused_in_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let index = |more: &str| format!("<repomd>{more}</repomd>");
    let data = "<data type=\"x#\"><location href=\"repodata/x#\"/></data>";
    let cases: [(&str, String, &[&str]); 4] = [
        (
            "page",
            "<html/>".into(),
            &["addons/A/repodata/repomd.xml: its root is not `repomd`"],
        ),
        (
            "indexes",
            index(&repeated(101, data)),
            &["addons/A/repodata/repomd.xml: it lists more than 100 indexes"],
        ),
        (
            "absent",
            index(&repeated(1, data)),
            &["addons/A/repodata/x0", "404"],
        ),
        (
            "unreadable",
            index(
                "<data type=\"x\"><checksum type=\"sha256\">no</checksum><location href=\"repodata/x\"/></data>",
            ),
            &["sha256 digest has 64 hex digits"],
        ),
    ];
    for (name, list, words) in &cases {
        let files: [(&str, &[u8]); 2] = [
            (".treeinfo", WITH_ADDON),
            ("addons/A/repodata/repomd.xml", list.as_bytes()),
        ];
        let at = (*name, "on_demand");
        let (_, task) = sync_with(&server, &upstream, at, &files).await?;
        check_refused(name, &task, words);
    }
    // One that leads to itself, and one that leads to the main one, whose indexes it lacks.
    let list = "addons/A/repodata/repomd.xml";
    for (name, target, words) in [
        (
            "loop",
            "/held/loop/addons/A/repodata/repomd.xml",
            "redirect",
        ),
        (
            "itself",
            "/held/itself/repodata/repomd.xml",
            "addons/A/repodata/primary.xml",
        ),
    ] {
        let files: [(&str, &[u8]); 1] = [(".treeinfo", WITH_ADDON)];
        let (mirror, task) = sync_with(&server, &upstream, (name, "on_demand"), &files).await?;
        assert_eq!(task["state"], "completed", "there is none: {task}");
        upstream.hold_redirect(name, list, target);
        let again = server.api().sync_rpm(&mirror, json!({})).await?.0;
        check_refused(name, &again, &[words]);
    }
    Ok(())
}

async fn what_leads_out_of_a_tree_is_left_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let elsewhere = Upstream::start().await?;
    let far = elsewhere.url("/held/far");
    let odd = format!(
        "[tree]\narch = x\n[stage2]\nmainimage = {far}/main.img\ninstimage = images/in.img\n\
         [images-x]\na = ../../etc/passwd\nb = /etc/passwd\nc = file:///etc/passwd\n\
         d = images/../../x\ne = config.repo\nf = repodata/repomd.xml\n\
         g = Packages/b/bear-1-1.noarch.rpm\nh = images//x\ni = images/a\tb\n\
         [variant-A]\nrepository = ../..\n[variant-B]\nrepository = /srv\n\
         [variant-C]\nrepository = {far}\n[variant-D]\nrepository = ./.\n\
         [variant-E]\nrepository = repodata\n[variant-E]\nrepository = ../again\n"
    );
    // Its index would take the place of the main one's list.
    let listed = "<repomd><data type=\"x\"><location href=\"repomd.xml\"/></data>\
                  <data type=\"y\"><location href=\"../../y\"/></data></repomd>";
    let files: [(&str, &[u8]); 5] = [
        ("treeinfo", odd.as_bytes()),
        ("images/in.img", b"an image"),
        (
            "config.repo",
            b"gpgcheck=0\nbaseurl=http://evil.example.com/\n",
        ),
        ("Packages/b/bear-1-1.noarch.rpm", b"another bear"),
        ("repodata/repodata/repomd.xml", listed.as_bytes()),
    ];
    let at = ("odd", "immediate");
    let (mirror, task) = sync_with(&server, &upstream, at, &files).await?;
    assert_eq!(task["state"], "completed", "{task}");
    let units = server
        .api()
        .rpm_units(&mirror, "distribution_trees")
        .await?;
    let paths = units[0]["artifacts"].as_object().map(|all| all.keys());
    let paths: Vec<&str> = paths.into_iter().flatten().map(String::as_str).collect();
    let expected = ["images/in.img", "repodata/repodata/repomd.xml", "treeinfo"];
    assert_eq!(paths, expected);
    assert_eq!(elsewhere.recorded().len(), 0, "nobody else was asked");
    let asked = upstream.recorded();
    let below = |path: &str| path.starts_with("/held/odd/");
    assert!(
        asked.iter().all(|request| below(&request.path)),
        "{asked:?}"
    );

    // What is served is this server's own.
    let settings = json!({"name": "odd", "base_path": "odd", "generate_repo_config": true,
        "repository": href(&mirror.repository)});
    let api = server.api();
    api.run_task("/distributions/rpm/rpm/", settings)
        .await?
        .completed()?;
    let served = async |path: &str| -> Result<String> {
        let bytes = server.fetch_bytes(&format!("odd/{path}")).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    assert!(served("config.repo").await?.contains("/odd/\n"));
    assert!(served("repodata/repomd.xml").await?.contains("primary"));
    let bear = RpmRepository::of(&[("bear", "1")]).packages.remove(0);
    let package = served("Packages/b/bear-1-1.noarch.rpm").await?;
    assert_eq!(package.as_bytes(), bear.bytes);
    let log = server.log()?;
    for said in [
        "the path `../../etc/passwd` has the segment `..`",
        "the repository of [variant-B]: the path `/srv` is absolute",
        "\"config.repo\" is what the server tells clients",
    ] {
        assert!(log.contains(said), "the log does not say {said:?}");
    }
    Ok(())
}

async fn a_file_of_a_tree_is_what_its_checksum_says(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let description = treeinfo("1");
    let files: [(&str, &[u8]); 3] = [
        (".treeinfo", description.as_bytes()),
        ("images/Boot.iso", b"other bytes of an image"),
        ("images/vmlinuz", KERNEL.as_bytes()),
    ];
    let at = ("now", "immediate");
    let (_, task) = sync_with(&server, &upstream, at, &files).await?;
    assert_eq!(task["state"], "failed", "{task}");
    let why = text(&task["error"]["description"]);
    assert!(
        why.contains("images/Boot.iso") && why.contains("sha256"),
        "{why}"
    );
    let at = ("later", "on_demand");
    let (mirror, task) = sync_with(&server, &upstream, at, &files).await?;
    assert_eq!(task["state"], "completed", "{task}");
    server.api().serve_rpm(&mirror).await?;
    let broken = server.fetch_bytes("later/images/Boot.iso").await;
    assert!(broken.is_err(), "other bytes ended as a clean answer");
    Ok(())
}

async fn a_tree_that_changes_alone_is_seen(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let main = RpmRepository::of(&[("bear", "1")]).all_files();
    let hold = |tree: &[(String, Vec<u8>)]| {
        let all = main.iter().chain(tree);
        let files: Vec<(&str, &[u8])> = all
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .collect();
        upstream.hold("zoo", &files)
    };
    let described = |release: &str| (".treeinfo".to_owned(), treeinfo(release).into_bytes());
    let below = |version: &str| -> Vec<(String, Vec<u8>)> {
        let all = RpmRepository::of(&[("crane", version)]).all_files();
        let all = all.into_iter();
        all.map(|(path, bytes)| (format!("addons/High/{path}"), bytes))
            .collect()
    };
    let url = hold(&[]);
    let url = url.trim_end_matches("PULP_MANIFEST");
    let mirror = api.rpm_mirror("zoo", url, "on_demand").await?;
    let sync = async || -> Result<(bool, Vec<Value>)> {
        let task = api.sync_rpm(&mirror, json!({})).await?.completed()?;
        let skipped = task.done("sync.was_skipped").is_some();
        Ok((skipped, api.rpm_units(&mirror, "distribution_trees").await?))
    };
    assert_eq!(sync().await?, (false, Vec::new()));
    assert!(sync().await?.0);

    // It appears, changes, gets a repository, which changes, and is the same again.
    hold(&[described("1")]);
    let (skipped, trees) = sync().await?;
    assert!(!skipped);
    assert_eq!(trees[0]["release_version"], "1");
    assert!(sync().await?.0);
    hold(&[described("2")]);
    assert_eq!(sync().await?.1[0]["release_version"], "2");
    let mut digests = Vec::new();
    for version in ["1", "2"] {
        hold(&[vec![described("2")], below(version)].concat());
        let (skipped, trees) = sync().await?;
        assert!(!skipped, "{version}");
        assert_eq!(trees.len(), 1);
        assert_eq!(trees[0]["repositories"], json!(["addons/High"]));
        digests.push(trees[0]["digest"].clone());
        assert!(sync().await?.0, "{version}");
    }
    assert_ne!(digests[0], digests[1]);

    // The same bytes, but new dates: no server has to know validators.
    hold(&[vec![described("2")], below("2")].concat());
    assert!(sync().await?.0);
    // Whoever does not want a tree is not asked for one.
    upstream.forget_requests();
    let params = json!({"skip_types": ["treeinfo"]});
    api.sync_rpm(&mirror, params).await?.completed()?;
    assert_eq!(upstream.requests("/held/zoo/.treeinfo"), 0);
    Ok(())
}
