//! Namespaces with members: what they say of themselves, and who may publish in them.

use anyhow::{Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::{Api, Form, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_namespace_says_what_it_is,
    members_have_the_permissions_that_are_set,
    publishing_in_a_namespace_needs_a_right_on_it,
);

const GALAXY: &str = "/api/galaxy";
const NAMESPACES: &str = "/api/galaxy/v3/plugin/ansible/namespaces/";
const PASSWORD: &str = "a-long-password-of-one";

async fn user(server: &TestServer, name: &str, roles: &[&str]) -> Result<Api> {
    let api = server.api();
    let made = json!({"username": name, "password": PASSWORD});
    let made = api.create("/users/", made).await?;
    for role in roles {
        let role = json!({"role": role, "content_object": null});
        api.create(&format!("{}roles/", href(&made)), role).await?;
    }
    Ok(api.with_password(name, PASSWORD))
}

/// Waits for an import that ends well.
async fn imported(api: &Api, accepted: &Value) -> Result<()> {
    loop {
        let import = api.get(text(&accepted["task"])).await?.ok()?;
        if !import["finished_at"].is_null() {
            assert_eq!(import["state"], "completed", "{import}");
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_namespace_says_what_it_is(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let links = json!([{"name": "Home", "url": "https://zoo.example.org"}]);
    let zoo = json!({"name": "zoo", "company": "The Zoo", "links": links});
    let made = api.post(NAMESPACES, zoo.clone()).await?.json(201)?;
    ensure!(
        made["id"].is_i64() && made.get("groups").is_none(),
        "{made}"
    );
    let one = format!("{NAMESPACES}zoo/");
    let read = api
        .get(&format!("{one}?include_related=my_permissions"))
        .await?;
    let read = read.ok()?;
    assert_eq!(read["links"], links);
    assert_eq!(read["description"], "");
    let permissions = read["related_fields"]["my_permissions"].to_string();
    ensure!(
        permissions.contains("ansible.upload_to_namespace"),
        "{read}"
    );

    let changed = api.patch(&one, json!({"email": "zoo@example.org"})).await?;
    assert_eq!(changed.ok()?["company"], "The Zoo");
    let replaced = api.put(&one, json!({"company": "A zoo"})).await?.ok()?;
    assert_eq!(replaced["email"], "");
    assert_eq!(replaced["links"], json!([]));
    let renamed = api.patch(&one, json!({"name": "ozz"})).await?;
    ensure!(renamed.json(400)?.to_string().contains("name"), "{renamed}");

    for (wrong, words) in [
        (json!({"name": "Zoo"}), "name"),
        (json!({"name": "a__b"}), "name"),
        (json!({"name": "zoo"}), "name"),
        (json!({"company": "x"}), "name"),
        (json!({"name": "b", "links": [{"name": "x"}]}), "links"),
        (json!({"name": "b", "odd": 1}), "odd"),
    ] {
        let refused = api.post(NAMESPACES, wrong.clone()).await?;
        let errors = refused.json(400)?;
        let source = &errors["errors"][0]["source"]["parameter"];
        assert_eq!(source, words, "{wrong}: {refused}");
    }
    let listed = api
        .get(&format!("{NAMESPACES}?company=A+zoo"))
        .await?
        .ok()?;
    assert_eq!(listed["meta"]["count"], 1);
    let old = api.get(&format!("{GALAXY}/v3/namespaces/zoo/")).await?;
    assert_eq!(old.status(), 301, "{old}");
    assert_eq!(api.get(old.header("location")).await?.ok()?["name"], "zoo");

    assert_eq!(api.delete(&one).await?.status(), 204);
    let gone = api.get(&one).await?;
    ensure!(
        text(&gone.json(404)?["errors"][0]["detail"]).contains("zoo"),
        "{gone}"
    );
    api.post(NAMESPACES, zoo).await?.json(201)?;
    Ok(())
}

async fn members_have_the_permissions_that_are_set(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let owner = user(&server, "ada", &["ansible.namespace_creator"]).await?;
    let bob = user(&server, "bob", &[]).await?;
    let one = format!("{NAMESPACES}zoo/");
    assert_eq!(api.anonymous().get(NAMESPACES).await?.status(), 401);
    let refused = bob.post(NAMESPACES, json!({"name": "zoo"})).await?;
    assert_eq!(refused.json(403)?["errors"][0]["status"], "403");
    owner
        .post(NAMESPACES, json!({"name": "zoo"}))
        .await?
        .json(201)?;

    // What may not be seen is not there.
    assert_eq!(bob.get(&one).await?.status(), 404);
    assert_eq!(bob.get(NAMESPACES).await?.ok()?["meta"]["count"], 0);
    let users = format!("{one}users/");
    let view = json!([{"name": "bob", "object_permissions": ["ansible.view_namespace"]}]);
    let set = owner.put(&users, view).await?.ok()?;
    let id = set
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == "bob")
        .map(|one| one["id"].clone());
    assert_eq!(bob.get(&one).await?.ok()?["name"], "zoo");
    let change = || json!({"company": "Bob's"});
    assert_eq!(bob.patch(&one, change()).await?.status(), 403);
    assert_eq!(bob.get(&users).await?.status(), 403);
    assert_eq!(bob.delete(&one).await?.status(), 403);
    let listed = owner.get(&format!("{users}?limit=1")).await?.ok()?;
    assert_eq!(listed["meta"]["count"], 2);
    ensure!(listed["links"]["next"].is_string(), "{listed}");

    // By a group as well.
    let group = api.create("/groups/", json!({"name": "keepers"})).await?;
    let member = json!({"username": "bob"});
    api.create(&format!("{}users/", href(&group)), member)
        .await?;
    let may = json!([{"name": "keepers",
        "object_permissions": ["ansible.view_namespace", "ansible.change_namespace"]}]);
    owner.put(&format!("{one}groups/"), may).await?.ok()?;
    assert_eq!(bob.patch(&one, change()).await?.ok()?["company"], "Bob's");
    let wrong = json!([{"name": "keepers", "object_permissions": ["ansible.sync_namespace"]}]);
    let refused = owner.put(&format!("{one}groups/"), wrong).await?;
    assert_eq!(refused.status(), 400, "{refused}");

    let delete = http::Method::DELETE;
    let ids = Some(json!([group["id"]]));
    let removed = owner
        .call(delete.clone(), &format!("{one}groups/"), ids)
        .await?;
    assert_eq!(removed.ok()?, json!([group["id"]]));
    assert_eq!(bob.patch(&one, change()).await?.status(), 403);
    owner.call(delete, &users, Some(json!([id]))).await?.ok()?;
    assert_eq!(bob.get(&one).await?.status(), 404);
    Ok(())
}

async fn publishing_in_a_namespace_needs_a_right_on_it(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("published").await?;
    api.serve_ansible(&repository).await?;
    let ada = user(&server, "ada", &[]).await?;
    let role = json!({"role": "ansible.ansiblerepository_owner", "users": ["ada"]});
    api.create(&format!("{}add_role/", href(&repository)), role)
        .await?;
    let upload = format!("{GALAXY}/v3/artifacts/collections/");
    let form = |version: &str| -> Result<Form> {
        let one = Collection::new("zoo", "owls", version);
        Ok(Form::new().base64_file("file", &one.file_name(), &one.archive()?))
    };
    // Nobody owns the namespace yet.
    let first = ada.post_form(&upload, form("1.0.0")?).await?.json(202)?;
    imported(&ada, &first).await?;

    api.post(NAMESPACES, json!({"name": "zoo"}))
        .await?
        .json(201)?;
    let refused = ada.post_form(&upload, form("1.1.0")?).await?;
    assert_eq!(refused.json(403)?["errors"][0]["status"], "403");
    // Nor by a way around what the client announces.
    let one = Collection::new("zoo", "owls", "1.2.0");
    let around = Form::new()
        .file("file", "zoo-owls-1.2.0.tar.gz", &one.archive()?)
        .text("repository", &href(&repository));
    for path in ["collection_versions", "collection_signatures"] {
        let reply = ada
            .post_form(&format!("/content/ansible/{path}/"), around.clone())
            .await?;
        let task = ada.finish(reply).await?;
        ensure!(task.failure()?.contains("permission"), "{task:?}");
    }
    let versions =
        format!("{GALAXY}/v3/plugin/ansible/collections/published/index/zoo/owls/versions/");
    assert_eq!(api.get(&versions).await?.ok()?["meta"]["count"], 1);

    let may = json!([{"name": "ada", "object_permissions":
        ["ansible.view_namespace", "ansible.upload_to_namespace"]}]);
    api.put(&format!("{NAMESPACES}zoo/users/"), may)
        .await?
        .ok()?;
    let accepted = ada.post_form(&upload, form("1.1.0")?).await?.json(202)?;
    imported(&ada, &accepted).await?;
    assert_eq!(api.get(&versions).await?.ok()?["meta"]["count"], 2);
    let search = format!(
        "{GALAXY}/v3/plugin/ansible/search/collection-versions/\
         ?distribution=published&include_related=namespace"
    );
    let found = api.get(&search).await?.ok()?;
    let namespace = &found["data"][0]["related_fields"]["namespace"];
    ensure!(namespace["id"].is_i64(), "{found}");
    Ok(())
}
