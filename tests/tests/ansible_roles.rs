//! Roles of Galaxy's first API: uploaded, listed, searched, and served.

use anyhow::{Result, ensure};
use pith_tests::ansible::archive_of;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Api, Form, Task, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_role_is_what_its_sender_says_and_its_archive,
    what_nobody_could_install_is_refused,
    the_first_api_leads_to_the_archives,
    roles_are_found_by_words,
    namespaces_protect_their_roles,
);

const ROLES: &str = "/content/ansible/roles/";
const PASSWORD: &str = "a-long-password-of-one";

/// An archive as GitHub makes one.
fn archive(about: &str, tag: &str) -> Result<Vec<u8>> {
    let meta = format!(
        "galaxy_info:\n  author: ada\n  description: {about}\n  galaxy_tags:\n    - {tag}\n"
    );
    archive_of(&[
        ("web-main/meta/main.yml", meta.as_bytes()),
        ("web-main/tasks/main.yml", b"- ping:\n"),
        (
            "web-main/tests/roles/x/meta/main.yml",
            b"galaxy_info: {description: Other}\n",
        ),
    ])
}

async fn send(
    api: &Api,
    [namespace, name, version]: [&str; 3],
    archive: &[u8],
    repository: Option<&Value>,
) -> Result<Task> {
    let mut form = Form::new()
        .text("namespace", namespace)
        .text("name", name)
        .text("version", version)
        .file("file", "role.tar.gz", archive);
    if let Some(repository) = repository {
        form = form.text("repository", &href(repository));
    }
    let reply = api.post_form(ROLES, form).await?;
    api.finish(reply).await
}

/// A repository that is served, with some roles.
async fn zoo(api: &Api) -> Result<Value> {
    let repository = api.ansible_repository("zoo").await?;
    api.serve_ansible(&repository).await?;
    for version in ["1.9.0", "1.10.0", "1.2.0"] {
        let packed = archive(&format!("Owls {version}"), "birds")?;
        let role = ["my-zoo.org", "owls", version];
        send(api, role, &packed, Some(&repository))
            .await?
            .completed()?;
    }
    let packed = archive("Cares for bats", "mammals")?;
    let role = ["Ada", "bats", "v1"];
    send(api, role, &packed, Some(&repository))
        .await?
        .completed()?;
    Ok(repository)
}

async fn a_role_is_what_its_sender_says_and_its_archive(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let packed = archive("Serves pages", "web")?;
    let task = send(api, ["ada", "web", "1.0.0"], &packed, None).await?;
    let unit = task.completed()?.created_one("/roles/")?;
    let unit = api.get(&unit).await?.ok()?;
    for (field, expected) in [
        ("namespace", json!("ada")),
        ("name", json!("web")),
        ("version", json!("1.0.0")),
        ("sha256", json!(sha256_hex(&packed))),
        ("size", json!(packed.len())),
        ("description", json!("Serves pages")),
        ("tags", json!([{"name": "web"}])),
    ] {
        assert_eq!(unit[field], expected, "{field}");
    }
    ensure!(
        text(&unit["prn"]).starts_with("prn:ansible.role:"),
        "{unit}"
    );
    // Of a stored file, too; the same is the same, and other bytes are another.
    let named = json!({"artifact": unit["artifact"], "namespace": "ada", "name": "web",
        "version": "1.0.0"});
    let again = api.run_task(ROLES, named).await?.completed()?;
    assert_eq!(again.created_one("/roles/")?, href(&unit));
    let other = archive("Serves other pages", "web")?;
    send(api, ["ada", "web", "1.0.0"], &other, None)
        .await?
        .completed()?;
    assert_eq!(api.list(&format!("{ROLES}?name=web")).await?.len(), 2);
    assert_eq!(
        api.list(&format!("{ROLES}?description__contains=other"))
            .await?
            .len(),
        1
    );
    assert_eq!(api.list(&format!("{ROLES}?namespace=bob")).await?.len(), 0);
    // A repository has one of them.
    let repository = api.ansible_repository("zoo").await?;
    for bytes in [&packed, &other] {
        send(api, ["ada", "web", "1.0.0"], bytes, Some(&repository))
            .await?
            .completed()?;
    }
    let held = api.ansible_units(&repository, "roles").await?;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["description"], "Serves other pages");
    Ok(())
}

async fn what_nobody_could_install_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let packed = archive("Serves", "web")?;
    for (role, field) in [
        (["a/b", "web", "1"], "namespace"),
        (["ada", "w.b", "1"], "name"),
        (["ada", "web", "../1"], "version"),
        (["", "web", "1"], "namespace"),
    ] {
        let form = Form::new()
            .text("namespace", role[0])
            .text("name", role[1])
            .text("version", role[2])
            .file("file", "role.tar.gz", &packed);
        let refused = api.post_form(ROLES, form).await?;
        ensure!(refused.json(400)?[field].is_array(), "{role:?}: {refused}");
    }
    let nameless = Form::new().file("file", "role.tar.gz", &packed);
    let refused = api.post_form(ROLES, nameless).await?.json(400)?;
    for field in ["namespace", "name", "version"] {
        ensure!(refused[field].is_array(), "{refused}");
    }
    // What is for roles is not for collections.
    let form = Form::new()
        .text("version", "1.0.0")
        .file("file", "zoo-owls-1.0.0.tar.gz", &packed);
    let path = "/content/ansible/collection_versions/";
    let refused = api.post_form(path, form).await?;
    ensure!(refused.json(400)?["version"].is_array(), "{refused}");

    let without = archive_of(&[("web/tasks/main.yml", b"- ping:\n")])?;
    let outside = archive_of(&[("web/meta/main.yml", b"x: 1\n"), ("../web", b"x")])?;
    for (bytes, words) in [
        (without.as_slice(), "meta/main.yml"),
        (&outside, "../web"),
        (b"no archive", "gzip"),
    ] {
        let task = send(api, ["ada", "web", "1"], bytes, None).await?;
        let said = task.failure()?;
        ensure!(said.contains(words), "{said}");
    }
    assert_eq!(api.list(ROLES).await?.len(), 0);
    Ok(())
}

async fn the_first_api_leads_to_the_archives(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    zoo(api).await?;
    let everybody = api.anonymous();
    for root in ["/pulp_ansible/galaxy/zoo/api", "/api/galaxy/content/zoo"] {
        let top = everybody.get(&format!("{root}/")).await?.ok()?;
        assert_eq!(top["available_versions"], json!({"v1": "v1/", "v3": "v3/"}));
        let roles = format!("{root}/v1/roles/");
        let all = everybody.get(&roles).await?.ok()?;
        assert_eq!(all["count"], 2, "{all}");
        assert_eq!(all["results"][0]["id"], "Ada.bats");
        assert_eq!(all["results"][0]["username"], "Ada");
        let one = format!("{roles}?owner__username=my-zoo.org&name=owls");
        let one = everybody.get(&one).await?.ok()?;
        assert_eq!(one["count"], 1);
        assert_eq!(one["results"][0]["description"], "Owls 1.10.0", "{one}");
        let none = format!("{roles}?owner__username=my-zoo.org&name=bats");
        assert_eq!(everybody.get(&none).await?.ok()?["count"], 0);

        let id = text(&one["results"][0]["id"]);
        let read = everybody.get(&format!("{roles}{id}/")).await?.ok()?;
        assert_eq!(read, one["results"][0]);
        // In pages, as the client turns them.
        let mut path = format!("{roles}{id}/versions/?page_size=2");
        let mut versions = Vec::new();
        loop {
            let page = everybody.get(&path).await?.ok()?;
            assert_eq!(page["count"], 3);
            versions.extend(page["results"].as_array().cloned().unwrap_or_default());
            match page["next_link"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => break,
            }
        }
        let names: Vec<&str> = versions.iter().map(|one| text(&one["name"])).collect();
        assert_eq!(names, ["1.10.0", "1.9.0", "1.2.0"]);
        let source = text(&versions[1]["source"]);
        let (_, served) = source.split_once("/pulp/content/").unwrap_or_default();
        assert_eq!(served, "zoo/my-zoo.org/owls/1.9.0.tar.gz");
        assert_eq!(
            server.fetch_bytes(served).await?,
            archive("Owls 1.9.0", "birds")?
        );
        for absent in ["my-zoo.org.crows", "nothing"] {
            let reply = everybody.get(&format!("{roles}{absent}/")).await?;
            ensure!(reply.json(404)?["errors"].is_array(), "{reply}");
        }
        let refused = everybody.get(&format!("{roles}?page=x")).await?;
        ensure!(refused.json(400)?.to_string().contains("page"), "{refused}");
    }
    // Without anything that is served as `published` there is nothing.
    let none = everybody.get("/api/galaxy/v1/roles/").await?.ok()?;
    assert_eq!(none["count"], 0);
    everybody
        .get("/api/galaxy/content/oz/v1/roles/")
        .await?
        .json(404)?;
    Ok(())
}

async fn roles_are_found_by_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    zoo(api).await?;
    let found = async |query: &str| -> Result<Vec<String>> {
        let path = format!("/pulp_ansible/galaxy/zoo/api/v1/search/roles/?{query}");
        let page = api.anonymous().get(&path).await?.ok()?;
        let results = page["results"].as_array().cloned().unwrap_or_default();
        assert_eq!(page["count"], results.len());
        Ok(results
            .iter()
            .map(|one| text(&one["id"]).to_owned())
            .collect())
    };
    for (query, expected) in [
        ("&autocomplete=bats", &["Ada.bats"][..]),
        ("&autocomplete=CARES%2Bbat", &["Ada.bats"]),
        ("&autocomplete=owls%2Bbats", &[]),
        (
            "&tags_autocomplete=birds&page_size=1000",
            &["my-zoo.org.owls"],
        ),
        ("&username_autocomplete=ada", &["Ada.bats"]),
        ("", &["Ada.bats", "my-zoo.org.owls"]),
    ] {
        assert_eq!(found(query).await?, expected, "{query}");
    }
    Ok(())
}

async fn namespaces_protect_their_roles(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let made = json!({"username": "bob", "password": PASSWORD});
    api.create("/users/", made).await?;
    let role = json!({"role": "ansible.ansiblerepository_owner", "users": ["bob"]});
    api.create(&format!("{}add_role/", href(&repository)), role)
        .await?;
    api.post(
        "/api/galaxy/v3/plugin/ansible/namespaces/",
        json!({"name": "ada"}),
    )
    .await?
    .json(201)?;
    let bob = api.with_password("bob", PASSWORD);
    let packed = archive("Serves", "web")?;
    let form = |namespace: &str| {
        Form::new()
            .text("namespace", namespace)
            .text("name", "web")
            .text("version", "1")
            .text("repository", &href(&repository))
            .file("file", "role.tar.gz", &packed)
    };
    let refused = bob.post_form(ROLES, form("ada")).await?;
    assert_eq!(refused.status(), 403, "{refused}");
    let sent = bob.post_form(ROLES, form("bob")).await?;
    bob.finish(sent).await?.completed()?;
    assert_eq!(api.list(ROLES).await?.len(), 1);
    let sent = api.anonymous().post_form(ROLES, form("eve")).await?;
    assert_eq!(sent.status(), 401, "{sent}");
    Ok(())
}
