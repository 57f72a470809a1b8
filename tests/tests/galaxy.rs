//! Galaxy's API, as clients of it see it: what is published, listed, searched and moved, by
//! whom.

use anyhow::{Context, Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Api, Form, Test, TestServer, is_stored, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_published_collection_is_listed_and_downloaded,
    versions_come_in_their_order_and_by_pages,
    old_addresses_lead_to_new_ones,
    what_is_absent_is_told,
    collections_are_searched_moved_and_removed,
    who_may_not_changes_nothing,
    an_archive_is_kept_only_if_it_may_be_published,
    what_is_asked_wrongly_is_told_in_galaxys_words,
);

/// The place of the API.
const GALAXY: &str = "/api/galaxy";

/// Publishes as `ansible-galaxy` does, and waits for the import.
async fn publish(api: &Api, root: &str, collection: &Collection) -> Result<Value> {
    let form = Form::new().base64_file("file", &collection.file_name(), &collection.archive()?);
    let reply = api
        .post_form(&format!("{root}/v3/artifacts/collections/"), form)
        .await?;
    let accepted = reply.json(202)?;
    let address = text(&accepted["task"]).to_owned();
    loop {
        let import = api.get(&address).await?.ok()?;
        if !import["finished_at"].is_null() {
            return Ok(import);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A repository that is served below its name, with these collections in it.
async fn shelf(server: &TestServer, name: &str, collections: &[Collection]) -> Result<Value> {
    let api = server.api();
    let repository = api.ansible_repository(name).await?;
    api.serve_ansible(&repository).await?;
    for collection in collections {
        api.upload_collection(collection, Some(&repository)).await?;
    }
    Ok(repository)
}

fn owls(version: &str) -> Collection {
    Collection::new("zoo", "owls", version)
}

fn scoped(name: &str) -> String {
    format!("/pulp_ansible/galaxy/{name}/api")
}

async fn a_published_collection_is_listed_and_downloaded(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    shelf(&server, "published", &[]).await?;
    let owls = owls("1.0.0");
    let import = publish(api, GALAXY, &owls).await?;
    assert_eq!(import["state"], "completed", "{import}");
    assert_eq!(import["name"], "owls");
    let messages = import["messages"].as_array().context("messages")?;
    ensure!(!messages.is_empty(), "the import says nothing");

    // Whoever may download it may see it, without a name too.
    let nobody = api.anonymous();
    let index = format!("{GALAXY}/v3/plugin/ansible/collections/published/index/");
    let reply = nobody.get(&index).await?;
    // Whatever a plugin writes, no browser runs it with the session of this server.
    assert_eq!(
        reply.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    let listed = reply.ok()?;
    assert_eq!(listed["meta"]["count"], 1);
    let collection = &listed["data"][0];
    assert_eq!(collection["highest_version"]["version"], "1.0.0");
    let address = text(&collection["highest_version"]["href"]);
    let version = nobody.get(address).await?.ok()?;
    assert_eq!(version["namespace"]["name"], "zoo");
    assert_eq!(version["metadata"]["tags"], json!(["zoo"]));
    assert_eq!(version["manifest"], owls.manifest_json());
    let archive = owls.archive()?;
    assert_eq!(version["artifact"]["size"], archive.len());
    let download = text(&version["download_url"]);
    let path = download.find("/pulp/content/").context("an address")?;
    let downloaded = nobody.get(&download[path..]).await?;
    assert_eq!(&downloaded.bytes()?[..], archive);

    let docs = nobody.get(&format!("{address}docs-blob/")).await?.ok()?;
    assert_eq!(docs["docs_blob"]["collection_readme"]["name"], "README.md");
    // The version that moves tells a client's cache to ask again.
    let before = collection["updated_at"].clone();
    publish(api, &scoped("published"), &self::owls("1.1.0")).await?;
    let after = nobody.get(text(&collection["href"])).await?.ok()?;
    ensure!(after["updated_at"] != before, "{after}");
    assert_eq!(after["highest_version"]["version"], "1.1.0");
    Ok(())
}

async fn versions_come_in_their_order_and_by_pages(test: Test) -> Result<()> {
    let server = test.start().await?;
    let all = ["1.9.0", "1.10.0", "2.0.0-rc.1", "1.2.0"];
    let collections: Vec<Collection> = all.iter().map(|version| owls(version)).collect();
    shelf(&server, "zoo", &collections).await?;
    let nobody = server.api().anonymous();
    let root = format!("{GALAXY}/v3/plugin/ansible/collections/zoo/index/zoo/owls");
    let mut next = format!("{root}/versions/?limit=3");
    let mut found = Vec::new();
    loop {
        let page = nobody.get(&next).await?.ok()?;
        assert_eq!(page["meta"]["count"], 4);
        let data = page["data"].as_array().context("data")?;
        found.extend(data.iter().map(|one| text(&one["version"]).to_owned()));
        match page["links"]["next"].as_str() {
            Some(link) => link.clone_into(&mut next),
            None => break,
        }
    }
    assert_eq!(found, ["2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.0"]);
    let highest = nobody
        .get(&format!("{root}/versions/?is_highest=true"))
        .await?
        .ok()?;
    assert_eq!(highest["data"][0]["version"], "1.10.0");
    assert_eq!(highest["meta"]["count"], 1);
    let whole = nobody
        .get(&format!("{GALAXY}/v3/plugin/ansible/collections/zoo/all/"))
        .await?
        .ok()?;
    assert_eq!(whole[0]["highest_version"]["version"], "1.10.0");
    Ok(())
}

async fn old_addresses_lead_to_new_ones(test: Test) -> Result<()> {
    let server = test.start().await?;
    shelf(&server, "zoo/birds", &[owls("1.0.0")]).await?;
    let nobody = server.api().anonymous();
    for root in [
        "/pulp_ansible/galaxy/zoo/birds/api",
        "/api/galaxy/content/zoo/birds",
    ] {
        let old = format!("{root}/v3/collections/zoo/owls/versions/?limit=1");
        let reply = nobody.get(&old).await?;
        assert_eq!(reply.status(), 301, "{reply}");
        let there = reply.header("location").to_owned();
        assert_eq!(
            there,
            format!(
                "{root}/v3/plugins/ansible/collections/zoo/birds/index/zoo/owls/versions/?limit=1"
            )
        );
        assert_eq!(nobody.get(&there).await?.ok()?["meta"]["count"], 1);
    }
    let unscoped = nobody.get(&format!("{GALAXY}/v3/collections/")).await?;
    assert!(
        unscoped
            .header("location")
            .ends_with("/collections/published/index/"),
        "{unscoped}"
    );
    // What was shipped by others before has the words the other way round.
    let shipped = format!(
        "{GALAXY}/v3/plugin/ansible/content/zoo/birds/collections/index/zoo/owls/versions/1.0.0/"
    );
    assert_eq!(nobody.get(&shipped).await?.ok()?["version"], "1.0.0");
    Ok(())
}

async fn what_is_absent_is_told(test: Test) -> Result<()> {
    let server = test.start().await?;
    let other = server.api().get("/api/v3/plugins/ansible/").await?.ok()?;
    ensure!(other["subroutes"].is_array(), "{other}");
    let configuration = format!("{GALAXY}/v3/configuration/");
    let configuration = server.api().anonymous().get(&configuration).await?.ok()?;
    let plugins = &configuration["plugins"];
    assert_eq!(plugins["execution_environment"]["enabled"], false);
    let absent = format!("{GALAXY}/v3/plugin/execution-environments/repositories/");
    assert_eq!(server.api().get(&absent).await?.status(), 404);
    Ok(())
}

async fn collections_are_searched_moved_and_removed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    shelf(&server, "staging", &[owls("1.0.0"), owls("1.1.0")]).await?;
    shelf(&server, "ready", &[]).await?;
    let search = format!("{GALAXY}/v3/plugin/ansible/search/collection-versions/");
    let found = |names: &'static str, more: &'static str| {
        let address = format!("{search}?distribution={names}{more}");
        async move { api.get(&address).await?.ok() }
    };
    let module = "&contents__name=hoot&contents__content_type=module";
    assert_eq!(found("staging", module).await?["meta"]["count"], 2);
    assert_eq!(
        found("staging", "&contents__name=none").await?["meta"]["count"],
        0
    );
    assert_eq!(found("ready", "").await?["meta"]["count"], 0);

    let version = |place: &str, version: &str| {
        format!("{GALAXY}/v3/plugin/ansible/collections/{place}/index/zoo/owls/versions/{version}/")
    };
    let movement = format!("{}move/staging/ready/", version("staging", "1.0.0"));
    let reply = api.post(&movement, json!({})).await?;
    ensure!(reply.status() == 202, "{reply}");
    let mut state = Value::Null;
    for _ in 0..500 {
        let there = api.get(&version("ready", "1.0.0")).await?.status();
        let here = api.get(&version("staging", "1.0.0")).await?.status();
        state = json!([there, here]);
        // Both at once: it is never in both and never in none for long.
        if state == json!([200, 404]) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(state, json!([200, 404]));
    let removed = api.delete(&version("staging", "1.1.0")).await?.json(202)?;
    api.wait(text(&removed["task"])).await?.completed()?;
    assert_eq!(api.get(&version("staging", "1.1.0")).await?.status(), 404);
    let found = found("ready", "").await?;
    let distributions = &found["data"][0]["related_fields"]["distributions"];
    assert_eq!(distributions[0]["base_path"], "ready");
    Ok(())
}

async fn who_may_not_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    shelf(&server, "published", &[owls("1.0.0")]).await?;
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let form = || -> Result<Form> {
        let collection = owls("2.0.0");
        Ok(Form::new().base64_file("file", &collection.file_name(), &collection.archive()?))
    };
    let upload = format!("{GALAXY}/v3/artifacts/collections/");
    let nobody = api.anonymous().post_form(&upload, form()?).await?;
    assert_eq!(nobody.status(), 401, "{nobody}");
    ensure!(
        nobody.json(401)?["errors"][0]["status"] == "401",
        "{nobody}"
    );
    let refused = ada.post_form(&upload, form()?).await?;
    ensure!([400, 403, 404].contains(&refused.status()), "{refused}");
    ensure!(refused.text().contains("errors"), "{refused}");
    let one = format!("{GALAXY}/v3/plugin/ansible/collections/published/index/zoo/owls/");
    let refused = ada.delete(&one).await?;
    ensure!([403, 404].contains(&refused.status()), "{refused}");
    let collection = api.get(&one).await?.ok()?;
    assert_eq!(collection["highest_version"]["version"], "1.0.0");
    // Her own things are hers.
    let me = ada.get(&format!("{GALAXY}/v3/auth/me/")).await?.ok()?;
    assert_eq!(me["username"], "ada");
    let token = ada
        .post(&format!("{GALAXY}/v3/auth/token/"), json!({}))
        .await?
        .ok()?;
    let by_token = api.with_token(text(&token["token"]));
    let me = by_token.get(&format!("{GALAXY}/v3/auth/me/")).await?.ok()?;
    assert_eq!(me["username"], "ada");
    let again = ada
        .post(&format!("{GALAXY}/v3/auth/token/"), json!({}))
        .await?
        .ok()?;
    ensure!(again["token"] != token["token"], "the token stayed");
    let old = by_token.get(&format!("{GALAXY}/v3/auth/me/")).await?;
    assert_eq!(old.status(), 401);
    Ok(())
}

async fn an_archive_is_kept_only_if_it_may_be_published(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = shelf(&server, "published", &[]).await?;
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let role = json!({"role": "ansible.ansiblerepository_viewer", "users": ["ada"]});
    let add = format!("{}add_role/", text(&repository["pulp_href"]));
    api.post(&add, role).await?.json(201)?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let archive = owls("2.0.0").archive()?;
    let digest = sha256_hex(&archive);
    let stored = || is_stored(server.data_directory(), &digest);
    let upload = format!("{GALAXY}/content/published/v3/artifacts/collections/");
    let form = |name: &str| Form::new().base64_file("file", name, &archive);
    let name = owls("2.0.0").file_name();

    let refused = ada.post_form(&upload, form(&name)).await?;
    assert_eq!(refused.status(), 403, "{refused}");
    let strange = api.post_form(&upload, form("owls.tar.gz")).await?;
    assert_eq!(strange.status(), 400, "{strange}");
    let wrong = form(&name).text("sha256", &"0".repeat(64));
    let wrong = api.post_form(&upload, wrong).await?;
    assert_eq!(wrong.status(), 400, "{wrong}");
    ensure!(!stored(), "the archive was kept");
    assert_eq!(api.list("/artifacts/").await?, Vec::<Value>::new());

    let accepted = api.post_form(&upload, form(&name)).await?.json(202)?;
    let address = text(&accepted["task"]).trim_end_matches('/');
    let id = address.rsplit('/').next().context("an id")?;
    api.wait(&format!("/tasks/{id}/")).await?.completed()?;
    ensure!(stored(), "the archive was not kept");
    let artifacts = api.list("/artifacts/").await?;
    assert_eq!(artifacts.len(), 1);
    assert_eq!(artifacts[0]["sha256"], digest);
    Ok(())
}

async fn what_is_asked_wrongly_is_told_in_galaxys_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    shelf(&server, "published", &[]).await?;
    let index = format!("{GALAXY}/v3/plugin/ansible/collections/published/index/");
    for (address, status, words) in [
        (format!("{index}?limit=many"), 400, "limit"),
        (format!("{index}zoo/none/"), 404, "zoo.none"),
        (
            format!("{GALAXY}/v3/plugin/ansible/collections/nowhere/index/"),
            404,
            "nowhere",
        ),
        (format!("{GALAXY}/v3/nothing/"), 404, "Not found"),
    ] {
        let reply = api.get(&address).await?;
        let body = reply.json(status)?;
        let detail = text(&body["errors"][0]["detail"]);
        ensure!(detail.contains(words), "{address}: {reply}");
    }
    let wrong = api.put(&index, json!({})).await?;
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.header("allow"), "GET, HEAD, OPTIONS");
    let options = api.options(&index).await?.ok()?;
    ensure!(
        options["actions"]["GET"]["summary"].is_string(),
        "{options}"
    );
    let upload = format!("{GALAXY}/v3/artifacts/collections/");
    let strange = Form::new().file("file", "owls.tar.gz", b"no archive");
    let reply = api.post_form(&upload, strange).await?;
    assert_eq!(reply.status(), 400, "{reply}");
    let mut broken = owls("1.0.0");
    broken.beyond = vec![("extra.txt".to_owned(), b"not listed".to_vec())];
    let import = publish(api, GALAXY, &broken).await?;
    assert_eq!(import["state"], "failed");
    ensure!(
        text(&import["error"]["description"]).contains("extra.txt"),
        "{import}"
    );
    let document = api.anonymous().get("/docs/api.json").await?.ok()?;
    let listed = document["paths"]["/api/galaxy/v3/plugin/ansible/distributions/"].clone();
    ensure!(listed["get"]["operationId"].is_string(), "{listed}");
    Ok(())
}
