//! Every operation of Galaxy's API, for everybody, on one's own things and on others'. The
//! operations are those of the document, so that none is forgotten.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use http::Method;
use pith_tests::ansible::{Collection, archive_of};
use pith_tests::{Api, Form, Reply, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(everybody_may_do_in_galaxy_what_his_roles_say);

const PASSWORD: &str = "a-long-password-of-one";

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing.
    Open,
    /// To be somebody.
    User,
    /// To see the estate's tasks, remote or namespace; else they are not there.
    ToSee,
    /// To see what is not told to others, who know that there is something.
    ToSeeRemote,
    /// To change what is served, which everybody may see.
    ToChange,
    /// To change what others may not even see.
    ToChangeNamespace,
    /// To make namespaces.
    ToAdd,
    /// To be an administrator.
    ToAdminister,
}

fn need(id: &str, said: &Value) -> Result<Need> {
    let is_open = said["security"]
        .as_array()
        .is_some_and(|all| all.contains(&json!({})));
    if is_open {
        return Ok(Need::Open);
    }
    let name = id.trim_start_matches("ansible_v3_");
    Ok(match name.trim_start_matches("plugin_ansible_") {
        "namespaces_create" => Need::ToAdd,
        "namespaces_read"
        | "namespaces_avatar_read"
        | "imports_read"
        | "imports_collections_read"
        | "tasks_read" => Need::ToSee,
        "distributions_sync_config_read" => Need::ToSeeRemote,
        "distributions_read" | "distributions_list" | "namespaces_list" | "imports_list" => {
            Need::User
        }
        "search_collection_versions_list" | "tasks_list" | "groups_list" => Need::User,
        "users_list" => Need::ToAdminister,
        own if own.starts_with("auth_") => Need::User,
        own if own.starts_with("namespaces_") => Need::ToChangeNamespace,
        own if own.starts_with("distributions_sync_") => Need::ToChange,
        own if own.starts_with("collections_") || own.starts_with("content_collections_") => {
            Need::ToChange
        }
        "artifacts_collections_create" => Need::ToChange,
        _ => bail!("what {id} needs is said nowhere"),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// Without a role.
    Guest,
    /// With a viewer's role for everything of the first estate.
    Viewer,
    /// Who made the first estate.
    Owner,
    Admin,
}

const CALLERS: [Caller; 5] = [
    Caller::Nobody,
    Caller::Guest,
    Caller::Viewer,
    Caller::Owner,
    Caller::Admin,
];

/// The status of a refusal; none if it is allowed.
fn refusal(caller: Caller, need: Need, is_first: bool) -> Option<u16> {
    let owns = caller == Caller::Admin || (is_first && caller == Caller::Owner);
    let sees = owns || (is_first && caller == Caller::Viewer);
    match need {
        Need::Open => None,
        _ if caller == Caller::Nobody => Some(401),
        Need::User => None,
        Need::ToSee => (!sees).then_some(404),
        Need::ToSeeRemote => (!sees).then_some(403),
        Need::ToChangeNamespace if !sees => Some(404),
        Need::ToChange | Need::ToChangeNamespace => (!owns).then_some(403),
        Need::ToAdminister => (caller != Caller::Admin).then_some(403),
        Need::ToAdd => (![Caller::Owner, Caller::Admin].contains(&caller)).then_some(403),
    }
}

/// Two repositories that are served, a remote, a namespace and an import, of one owner.
struct Estate {
    /// Of variables in paths.
    values: BTreeMap<&'static str, String>,
    /// Where each thing is.
    hrefs: Vec<String>,
}

async fn estate(api: &Api, namespace: &str, base_path: &str) -> Result<Estate> {
    let hidden = format!("{namespace}-hidden");
    let remote = json!({"name": hidden, "url": "http://localhost:1/api/"});
    let remote = api.create("/remotes/ansible/collection/", remote).await?;
    let mut hrefs = vec![href(&remote)];
    let ready = format!("{base_path}-ready");
    for (name, base_path) in [(hidden.clone(), base_path), (format!("{hidden}-2"), &ready)] {
        let settings = json!({"name": name, "remote": href(&remote)});
        let repository = api
            .create("/repositories/ansible/ansible/", settings)
            .await?;
        let settings = json!({"name": base_path, "base_path": base_path,
            "repository": href(&repository)});
        let path = "/distributions/ansible/ansible/";
        let task = api.run_task(path, settings).await?.completed()?;
        hrefs.extend([href(&repository), task.created_one("/distributions/")?]);
    }
    let at = "/api/galaxy/v3/plugin/ansible";
    let made = json!({"name": namespace, "company": hidden});
    let made = api
        .post(&format!("{at}/namespaces/"), made)
        .await?
        .json(201)?;
    hrefs.push(href(&made));
    let picture = Form::new().file("file", "owl.gif", b"GIF89a");
    let file = format!("{}file/", href(&made));
    api.put_form(&file, &[], picture).await?.ok()?;
    let web = archive_of(&[("web/meta/main.yml", b"galaxy_info: {}")])?;
    let web = Form::new()
        .text("namespace", namespace)
        .text("name", "web")
        .text("version", "1.0.0")
        .text("repository", &hrefs[1])
        .file("file", "web.tar.gz", &web);
    let sent = api.post_form("/content/ansible/roles/", web).await?;
    api.finish(sent).await?.completed()?;
    let mut id = String::new();
    let owls = ["1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0"].map(|version| ("owls", version));
    for (name, version) in [("crows", "1.0.0")].into_iter().chain(owls) {
        let path = format!("{at}/collections/{base_path}/artifacts/collections/");
        let one = Collection::new(namespace, name, version);
        let form = Form::new().base64_file("file", &one.file_name(), &one.archive()?);
        let accepted = api.post_form(&path, form).await?.json(202)?;
        let address = text(&accepted["task"]);
        let last = address.trim_end_matches('/').rsplit('/').next();
        last.context("an id")?.clone_into(&mut id);
        api.wait(&format!("/tasks/{id}/")).await?.completed()?;
    }
    let owned = [
        ("base_path", base_path),
        ("namespace", namespace),
        ("name", "owls"),
        ("version", "1.0.0"),
        ("source", base_path),
        ("destination", &ready),
        ("id", &id),
        ("rest", "all"),
        ("filename", &format!("{namespace}-owls-1.0.0.tar.gz")),
    ];
    let values = owned.map(|(name, value)| (name, value.to_owned()));
    Ok(Estate {
        values: values.into_iter().collect(),
        hrefs,
    })
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    need: Need,
    takes_file: bool,
}

impl Operation {
    /// The path for an estate; whether it is about one at all.
    fn path_for(&self, estate: &Estate) -> (String, bool) {
        let mut path = self.path.clone();
        for (name, value) in &estate.values {
            // Below `namespaces/` the name is the namespace's.
            let value = if *name == "name" && self.path.contains("/namespaces/") {
                &estate.values["namespace"]
            } else {
                value
            };
            // Without a base path, roles are those of what is served as `published`.
            let value = if *name == "id" && self.path.contains("/v1/roles/") {
                "first.web"
            } else {
                self.taken(name).unwrap_or(value)
            };
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let is_about_one = path != self.path;
        (path, is_about_one)
    }

    /// What goes away by it: each takes another thing.
    fn taken(&self, name: &str) -> Option<&'static str> {
        let is_by_content = self.id.contains("content_collections_");
        match (name, is_by_content) {
            ("version", true) if self.id.ends_with("move_create") => Some("2.0.0"),
            ("version", false) if self.id.ends_with("move_create") => Some("3.0.0"),
            ("version", true) if self.id.ends_with("versions_delete") => Some("4.0.0"),
            ("version", false) if self.id.ends_with("versions_delete") => Some("5.0.0"),
            ("name", true) if self.id.ends_with("index_delete") => Some("crows"),
            _ => None,
        }
    }

    async fn ask(&self, api: &Api, path: &str, estate: &Estate, number: usize) -> Result<Reply> {
        if self.takes_file {
            let version = format!("9.{number}.0");
            let one = Collection::new(&estate.values["namespace"], "owls", &version);
            let form = Form::new().base64_file("file", &one.file_name(), &one.archive()?);
            return api.post_form(path, form).await;
        }
        let body = match self.id.as_str() {
            id if id.ends_with("index_partial_update") => Some(json!({"deprecated": true})),
            id if id.ends_with("namespaces_create") => {
                Some(json!({"name": format!("new_{number}")}))
            }
            id if id.contains("_users_") || id.contains("_groups_") => Some(json!([])),
            _ if self.method == Method::GET || self.method == Method::DELETE => None,
            _ => Some(json!({})),
        };
        api.call(self.method.clone(), path, body).await
    }
}

async fn operations(api: &Api) -> Result<Vec<Operation>> {
    let document = api.anonymous().get("/docs/api.json").await?.ok()?;
    let mut all = Vec::new();
    for (path, verbs) in document["paths"].as_object().context("paths")? {
        for (method, said) in verbs.as_object().context("verbs")? {
            if said["x-plugin"] != "ansible" {
                continue;
            }
            let id = text(&said["operationId"]).to_owned();
            let form = &said["requestBody"]["content"]["multipart/form-data"];
            all.push(Operation {
                need: need(&id, said)?,
                method: method.to_ascii_uppercase().parse()?,
                path: path.clone(),
                takes_file: form.is_object(),
                id,
            });
        }
    }
    // One looks first; what is removed goes last, and what is in something before that.
    all.sort_by_key(|one| {
        let removes = one.method == Method::DELETE;
        (
            one.method != Method::GET,
            removes,
            one.id.ends_with("_namespaces_delete"),
            one.id.contains("index_delete"),
        )
    });
    Ok(all)
}

async fn user(server: &TestServer, name: &str, roles: &[&str]) -> Result<Api> {
    let made = json!({"username": name, "password": PASSWORD});
    let made = server.api().create("/users/", made).await?;
    for role in roles {
        let role = json!({"role": role, "content_object": null});
        let path = format!("{}roles/", href(&made));
        server.api().create(&path, role).await?;
    }
    Ok(server.api().with_password(name, PASSWORD))
}

/// What whoever makes an estate must be allowed.
const MAKER: [&str; 4] = [
    "ansible.ansiblerepository_creator",
    "ansible.collectionremote_creator",
    "ansible.ansibledistribution_creator",
    "ansible.namespace_creator",
];

/// All objects as an administrator sees them.
async fn snapshot(api: &Api, estates: [&Estate; 2]) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for href in estates.iter().flat_map(|estate| &estate.hrefs) {
        all.push(api.get(href).await?.ok()?);
        all.push(api.get(&format!("{href}list_roles/")).await?.ok()?);
    }
    for list in [
        "/entities/ansible/namespace/",
        "/tasks/",
        "/users/",
        "/groups/",
    ] {
        all.push(api.get(&format!("{list}?fields=pulp_href")).await?.ok()?);
    }
    Ok(all)
}

async fn everybody_may_do_in_galaxy_what_his_roles_say(test: Test) -> Result<()> {
    let server = test.start().await?;
    let admin = server.api();
    let owner = user(&server, "owner", &MAKER).await?;
    let other = user(&server, "other", &MAKER).await?;
    let guest = user(&server, "guest", &[]).await?;
    let viewer = user(&server, "viewer", &[]).await?;
    let first = estate(&owner, "first", "published").await?;
    let second = estate(&other, "second", "second").await?;
    let task = format!("/tasks/{}/", first.values["id"]);
    for href in first.hrefs.iter().chain([&task]) {
        let role = match href.split('/').rev().nth(3).unwrap_or_default() {
            _ if href == &task => "core.task_viewer",
            _ if href.contains("/remotes/") => "ansible.collectionremote_viewer",
            _ if href.contains("/repositories/") => "ansible.ansiblerepository_viewer",
            _ if href.contains("/entities/") => "ansible.namespace_viewer",
            _ => "ansible.ansibledistribution_viewer",
        };
        let given = json!({"role": role, "users": ["viewer"]});
        admin.create(&format!("{href}add_role/"), given).await?;
    }
    let operations = operations(admin).await?;
    let before = snapshot(admin, [&first, &second]).await?;
    let mut wrong = Vec::new();
    let mut asked = 0;
    // First all that is to be refused, which changes nothing; then what is allowed.
    for allowed in [false, true] {
        for operation in &operations {
            for (estate, is_first) in [(&first, true), (&second, false)] {
                let (path, is_about_one) = operation.path_for(estate);
                if !is_about_one && !is_first {
                    continue;
                }
                for caller in CALLERS {
                    let expected = refusal(caller, operation.need, is_first);
                    let is_write = operation.method != Method::GET;
                    // Each thing is changed once: one's own by the owner.
                    let again = is_first && is_about_one && caller == Caller::Admin && is_write;
                    let ends = operation.id.ends_with("auth_logout_create");
                    if expected.is_none() != allowed || (allowed && (again || ends)) {
                        continue;
                    }
                    asked += 1;
                    let api = match caller {
                        Caller::Nobody => admin.anonymous(),
                        Caller::Guest => guest.clone(),
                        Caller::Viewer => viewer.clone(),
                        Caller::Owner => owner.clone(),
                        Caller::Admin => admin.clone(),
                    };
                    let reply = operation.ask(&api, &path, estate, asked).await?;
                    let fits = match expected {
                        Some(status) => {
                            let errors = reply.json(reply.status())?["errors"].clone();
                            reply.status() == status
                                && text(&errors[0]["status"]) == format!("{status}")
                        }
                        None => reply.status() < 400,
                    };
                    if !fits {
                        let whose = if is_first { "own" } else { "foreign" };
                        wrong.push(format!(
                            "{} ({whose}) by {caller:?}: {expected:?}, and not {reply}",
                            operation.id
                        ));
                    }
                    let hidden = match (caller, is_first) {
                        (Caller::Nobody | Caller::Guest, _) => "-hidden",
                        (Caller::Viewer | Caller::Owner, _) => "second-hidden",
                        (Caller::Admin, _) => continue,
                    };
                    let told = reply.text().contains(hidden);
                    ensure!(!told, "{} tells {caller:?}: {reply}", operation.id);
                }
            }
        }
        if !allowed {
            let after = snapshot(admin, [&first, &second]).await?;
            assert_eq!(before, after, "what was refused changed something");
        }
    }
    let count = wrong.len();
    ensure!(wrong.is_empty(), "{count} wrong:\n{}", wrong.join("\n"));
    ensure!(asked > 300, "only {asked} were asked");
    Ok(())
}
