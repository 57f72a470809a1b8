//! Pictures of namespaces that are made here: fetched by the server, sent, shown, and kept.

use anyhow::{Result, ensure};
use pith_tests::upstream::{Upstream, sha256_hex};
use pith_tests::{Api, Form, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_picture_is_fetched_kept_and_shown,
    what_is_no_picture_changes_nothing,
    a_picture_is_sent_and_removed,
    who_may_not_change_a_namespace_sends_it_no_picture,
);

const NAMESPACES: &str = "/api/galaxy/v3/plugin/ansible/namespaces/";
const PASSWORD: &str = "a-long-password-of-one";
const OWL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR of an owl";
const BAT: &[u8] = b"GIF89a of a bat";

/// Holds files; the address of the folder.
fn folder(upstream: &Upstream, files: &[(&str, &[u8])]) -> String {
    let url = upstream.hold("pictures", files);
    url.trim_end_matches("PULP_MANIFEST").to_owned()
}

/// The task that fetches what an answer speaks of.
async fn fetched(api: &Api, answer: &Value) -> Result<pith_tests::Task> {
    ensure!(answer["task"].is_string(), "no task: {answer}");
    api.wait(text(&answer["task"])).await
}

/// The path of an address of this server.
fn path_of(url: &Value) -> String {
    let url = text(url);
    let path = url.find("/api/galaxy").map(|at| &url[at..]);
    path.unwrap_or(url).to_owned()
}

/// The bytes that an address leads to, and what they are.
async fn picture(api: &Api, url: &Value) -> Result<(Vec<u8>, String)> {
    let leading = api.get(&path_of(url)).await?;
    ensure!(leading.status() == 302, "{leading}");
    let reply = api.get(leading.header("location")).await?;
    ensure!(reply.status() == 200, "{reply}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let media_type = reply.header("content-type").to_owned();
    Ok((reply.body().to_vec(), media_type))
}

async fn a_picture_is_fetched_kept_and_shown(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let files = folder(&upstream, &[("owl.png", OWL), ("bat.gif", BAT)]);
    let zoo = json!({"name": "zoo", "avatar_url": format!("{files}owl.png")});
    let made = api.post(NAMESPACES, zoo).await?.json(201)?;
    fetched(api, &made).await?.completed()?;
    let one = format!("{NAMESPACES}zoo/");
    let read = api.get(&one).await?.ok()?;
    assert_eq!(read["avatar_sha256"], sha256_hex(OWL));
    let shown = text(&read["avatar_url"]).to_owned();
    ensure!(
        shown.starts_with(server.base_url().split("/pulp").next().unwrap_or("")),
        "{read}"
    );
    let (bytes, media_type) = picture(api, &read["avatar_url"]).await?;
    assert_eq!((bytes.as_slice(), &*media_type), (OWL, "image/png"));

    // Pulp's conventions beside it: fields that filters know.
    let entities = "/entities/ansible/namespace/";
    let found = format!("{entities}?file_sha256={}", sha256_hex(OWL));
    let found = api.list(&found).await?;
    assert_eq!(found[0]["name"], "zoo");
    assert_eq!(found[0]["avatar_url"], format!("{files}owl.png"));
    assert_eq!(found[0]["file"], format!("{}file/", href(&found[0])));
    let by_file = format!("{entities}?file={}", text(&found[0]["file"]));
    assert_eq!(api.list(&by_file).await?.len(), 1);

    // Whoever sends back what he got, or says nothing of it, changes nothing.
    let asked = upstream.requests_under("/held/pictures");
    for body in [read.clone(), json!({"company": "Z"})] {
        let answer = api.put(&one, body).await?.ok()?;
        assert_eq!(answer["avatar_url"], shown, "{answer}");
        ensure!(answer["task"].is_null(), "{answer}");
    }
    assert_eq!(upstream.requests_under("/held/pictures"), asked);

    // A clean-up leaves it, and takes the one that another took the place of.
    let changed = json!({"avatar_url": format!("{files}bat.gif")});
    let changed = api.patch(&one, changed).await?.ok()?;
    fetched(api, &changed).await?.completed()?;
    let cleanup = json!({"orphan_protection_time": 0});
    api.run_task("/orphans/cleanup/", cleanup)
        .await?
        .completed()?;
    let kept = |picture: &[u8]| format!("/artifacts/?sha256={}", sha256_hex(picture));
    assert_eq!(api.list(&kept(BAT)).await?.len(), 1);
    assert_eq!(api.list(&kept(OWL)).await?.len(), 0);
    let artifact = href(&api.list(&kept(BAT)).await?[0]);
    ensure!(api.delete(&artifact).await?.status() >= 400, "it is in use");
    let read = api.get(&one).await?.ok()?;
    let (bytes, media_type) = picture(api, &read["avatar_url"]).await?;
    assert_eq!((bytes.as_slice(), &*media_type), (BAT, "image/gif"));

    // Without an address it goes, and so does that of a namespace that goes.
    let without = api.patch(&one, json!({"avatar_url": ""})).await?.ok()?;
    assert_eq!(without["avatar_url"], "");
    assert_eq!(without["avatar_sha256"], Value::Null);
    let gone = api.get(&path_of(&shown.clone().into())).await?;
    gone.json(404)?;
    assert_eq!(api.delete(&one).await?.status(), 204);
    Ok(())
}

async fn what_is_no_picture_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let mut large = OWL.to_vec();
    large.resize((3 << 20) + 1, 0);
    let page = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    let files = folder(
        &upstream,
        &[("owl.png", OWL), ("page.png", page), ("large.png", &large)],
    );
    let zoo = json!({"name": "zoo", "avatar_url": format!("{files}owl.png")});
    let made = api.post(NAMESPACES, zoo).await?.json(201)?;
    fetched(api, &made).await?.completed()?;
    let one = format!("{NAMESPACES}zoo/");
    let before = api.get(&one).await?.ok()?;
    for (url, words) in [
        (format!("{files}none.png"), "404"),
        (format!("{files}page.png"), "no picture"),
        (format!("{files}large.png"), "3145728"),
        ("http://localhost:1/owl.png".to_owned(), "localhost:1"),
        ("http://169.254.169.254/owl.png".to_owned(), "169.254"),
    ] {
        let answer = api.patch(&one, json!({"avatar_url": url})).await?.ok()?;
        assert_eq!(answer["avatar_url"], before["avatar_url"]);
        let task = fetched(api, &answer).await?;
        let said = task.failure()?;
        let is_told = said.contains("avatar_url") && said.contains(words);
        ensure!(is_told, "{url}: {said}");
        assert_eq!(api.get(&one).await?.ok()?, before, "{url}");
    }
    // Nothing of them was kept.
    assert_eq!(api.list("/artifacts/").await?.len(), 1);
    for wrong in [
        "owl.png",
        "ftp://zoo.example.org/owl.png",
        "file:///etc/passwd",
    ] {
        let refused = api.patch(&one, json!({"avatar_url": wrong})).await?;
        let source = refused.json(400)?["errors"][0]["source"]["parameter"].clone();
        assert_eq!(source, "avatar_url", "{refused}");
    }
    assert_eq!(api.get(&one).await?.ok()?, before);
    Ok(())
}

async fn a_picture_is_sent_and_removed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let made = api
        .post(NAMESPACES, json!({"name": "zoo"}))
        .await?
        .json(201)?;
    let file = format!("{}file/", href(&made));
    api.get(&file).await?.json(404)?;
    api.delete(&file).await?.json(404)?;
    let wrong = Form::new().file("file", "owl.png", b"no picture");
    let refused = api.put_form(&file, &[], wrong).await?;
    ensure!(refused.json(400)?["file"].is_array(), "{refused}");
    let refused = api.put(&file, json!({})).await?;
    ensure!(refused.json(400)?["file"].is_array(), "{refused}");

    let sent = Form::new().file("file", "bat.gif", BAT);
    let answer = api.put_form(&file, &[], sent).await?.ok()?;
    assert_eq!(answer["file_sha256"], sha256_hex(BAT));
    let one = format!("{NAMESPACES}zoo/");
    let read = api.get(&one).await?.ok()?;
    let (bytes, _) = picture(api, &read["avatar_url"]).await?;
    assert_eq!(bytes, BAT);
    // It stays when its namespace says something else of itself.
    api.patch(&one, json!({"company": "Z"})).await?.ok()?;
    api.put(&one, json!({"company": "Z"})).await?.ok()?;
    assert_eq!(api.get(&one).await?.ok()?["avatar_sha256"], sha256_hex(BAT));
    assert_eq!(api.delete(&file).await?.status(), 204);
    assert_eq!(api.get(&one).await?.ok()?["avatar_url"], "");
    Ok(())
}

async fn who_may_not_change_a_namespace_sends_it_no_picture(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let made = api
        .post(NAMESPACES, json!({"name": "zoo"}))
        .await?
        .json(201)?;
    let file = format!("{}file/", href(&made));
    let picture = || Form::new().file("file", "bat.gif", BAT);
    api.put_form(&file, &[], picture()).await?.ok()?;
    for name in ["viewer", "guest"] {
        let user = json!({"username": name, "password": PASSWORD});
        api.create("/users/", user).await?;
    }
    let role = json!({"role": "ansible.namespace_viewer", "users": ["viewer"]});
    api.create(&format!("{}add_role/", href(&made)), role)
        .await?;
    let viewer = api.with_password("viewer", PASSWORD);
    let guest = api.with_password("guest", PASSWORD);
    for (caller, looks, changes) in [
        (viewer, 200, 403),
        (guest, 404, 404),
        (api.anonymous(), 401, 401),
    ] {
        assert_eq!(caller.get(&file).await?.status(), looks);
        let sent = caller.put_form(&file, &[], picture()).await?;
        assert_eq!(sent.status(), changes, "{sent}");
        assert_eq!(caller.delete(&file).await?.status(), changes);
    }
    assert_eq!(api.get(&file).await?.body().as_ref(), BAT);
    Ok(())
}
