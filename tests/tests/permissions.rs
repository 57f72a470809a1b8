//! Everything but status, docs and public content is denied to those who are not allowed.

use anyhow::Result;
use http::Method;
use pith_tests::upstream::Upstream;
use pith_tests::{API_ROOTS, Api, Test, href, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    nobody_in_particular_is_refused_everywhere,
    a_user_without_roles_changes_nothing,
    what_is_distributed_is_public,
    a_refusal_comes_before_everything_else,
);

const LISTS: [&str; 9] = [
    "/repositories/file/file/",
    "/remotes/file/file/",
    "/publications/file/file/",
    "/distributions/file/file/",
    "/content/file/files/",
    "/artifacts/",
    "/tasks/",
    "/users/",
    "/repository_versions/",
];

/// One resource of each kind, and the documents that would make another.
struct Estate {
    hrefs: Vec<String>,
    creations: Vec<(String, Value)>,
}

async fn estate(api: &Api, upstream: &Upstream) -> Result<Estate> {
    let url = upstream.hold("estate", &[("a.txt", b"a")]);
    let mirrored = api.mirrored("estate", &url, "immediate").await?;
    let version = api.latest_version(&mirrored.repository).await?;
    let file = api.files_in(&version).await?.remove(0);
    let publication = api.list("/publications/file/file/").await?.remove(0);
    let task = api.get("/tasks/?limit=1").await?.ok()?["results"][0].clone();
    let repository = href(&mirrored.repository);
    let creations = vec![
        (
            "/repositories/file/file/".to_owned(),
            json!({"name": "mine"}),
        ),
        (
            "/remotes/file/file/".to_owned(),
            json!({"name": "mine", "url": url}),
        ),
        (
            "/publications/file/file/".to_owned(),
            json!({"repository": repository}),
        ),
        (
            "/distributions/file/file/".to_owned(),
            json!({"name": "mine", "base_path": "mine"}),
        ),
        (
            "/users/".to_owned(),
            json!({"username": "mine", "password": "my-own-password-1"}),
        ),
        (
            "/orphans/cleanup/".to_owned(),
            json!({"orphan_protection_time": 0}),
        ),
        (
            format!("{repository}sync/"),
            json!({"remote": href(&mirrored.remote)}),
        ),
        (
            format!("{repository}modify/"),
            json!({"remove_content_units": ["*"]}),
        ),
        (
            format!("{repository}set_label/"),
            json!({"key": "a", "value": "b"}),
        ),
    ];
    let resources = [
        &mirrored.repository,
        &mirrored.remote,
        &mirrored.distribution,
        &version,
        &file,
    ];
    let mut hrefs: Vec<String> = resources.into_iter().map(href).collect();
    hrefs.extend([
        href(&publication),
        href(&task),
        pith_tests::text(&file["artifact"]).to_owned(),
    ]);
    Ok(Estate { hrefs, creations })
}

async fn nobody_in_particular_is_refused_everywhere(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let estate = estate(server.api(), &upstream).await?;
    for root in API_ROOTS {
        let nobody = server.api().anonymous().at_root(root);
        for path in LISTS {
            let reply = nobody.get(path).await?;
            assert_eq!(reply.status(), 401, "{reply}");
        }
        for (path, document) in &estate.creations {
            let reply = nobody
                .post(&path.replace(API_ROOTS[0], root), document.clone())
                .await?;
            assert_eq!(reply.status(), 401, "{reply}");
        }
        for href in &estate.hrefs {
            let href = href.replace(API_ROOTS[0], root);
            for reply in [
                nobody.get(&href).await?,
                nobody.patch(&href, json!({"name": "taken"})).await?,
                nobody.delete(&href).await?,
            ] {
                assert_eq!(reply.status(), 401, "{reply}");
            }
        }
    }
    Ok(())
}

async fn a_user_without_roles_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let estate = estate(server.api(), &upstream).await?;
    let user = json!({"username": "guest", "password": "guests-password-1"});
    server.api().create("/users/", user).await?;
    let guest = server.api().with_password("guest", "guests-password-1");
    for (path, document) in &estate.creations {
        let reply = guest.post(path, document.clone()).await?;
        assert!(matches!(reply.status(), 403 | 404), "{reply}");
    }
    for href in &estate.hrefs {
        for reply in [
            guest.patch(href, json!({"name": "taken"})).await?,
            guest.delete(href).await?,
        ] {
            assert!(matches!(reply.status(), 403..=405), "{reply}");
        }
        // A thing that may not be read does not show its fields.
        let reply = guest.get(href).await?;
        assert!(matches!(reply.status(), 403 | 404), "{reply}");
    }
    for path in LISTS {
        let reply = guest.get(path).await?;
        let is_empty = reply.status() == 200 && reply.ok()?["count"] == 0;
        assert!(reply.status() == 403 || is_empty, "{reply}");
    }
    let version = server.api().get(&estate.hrefs[0]).await?.ok()?;
    assert_eq!(version["name"], "estate", "nothing was changed");
    Ok(())
}

async fn what_is_distributed_is_public(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    estate(server.api(), &upstream).await?;
    assert_eq!(&server.fetch_bytes("estate/a.txt").await?[..], b"a");
    let nobody = server.api().anonymous();
    assert_eq!(nobody.get("/status/").await?.status(), 200);
    // A wrong password is no reason to refuse what anybody may have.
    let path = "/pulp/content/estate/a.txt";
    let reply = server
        .api()
        .with_password("admin", "wrong")
        .get(path)
        .await?;
    assert_eq!(reply.status(), 200, "{reply}");
    Ok(())
}

async fn a_refusal_comes_before_everything_else(test: Test) -> Result<()> {
    let server = test.start().await?;
    let nobody = server.api().anonymous();
    // Neither the body nor the existence of the resource is looked at.
    let reply = nobody
        .post_bytes("/repositories/file/file/", "application/json", "{")
        .await?;
    assert_eq!(reply.status(), 401, "{reply}");
    let absent = "/repositories/file/file/00000000-0000-7000-8000-000000000000/";
    assert_eq!(nobody.get(absent).await?.status(), 401);
    let upload = vec![0_u8; 1 << 20];
    let reply = nobody
        .post_bytes("/artifacts/", "application/octet-stream", upload)
        .await?;
    assert_eq!(reply.status(), 401, "{reply}");
    // Writing to what is public is not public.
    let reply = server
        .request(Method::DELETE, "/pulp/content/estate/a.txt")
        .await?;
    assert!(matches!(reply.status(), 401 | 403..=405), "{reply}");
    Ok(())
}
