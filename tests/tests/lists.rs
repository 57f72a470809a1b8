//! Lists: pages, order, and choosing by a field.

use anyhow::Result;
use pith_tests::{Api, Test, names_of, on_both_databases, text};
use serde_json::Value;

on_both_databases!(
    a_list_comes_in_pages,
    pages_neither_repeat_nor_leave_out,
    a_list_is_ordered_as_asked,
    a_list_is_chosen_by_name,
    fields_can_be_chosen,
    strange_pages_are_refused,
    content_is_chosen_by_path_and_digest,
);

const REPOSITORIES: &str = "/repositories/file/file/";

async fn repositories(api: &Api, count: usize) -> Result<()> {
    for number in 0..count {
        api.file_repository(&format!("repository {number:02}"))
            .await?;
    }
    Ok(())
}

fn names(page: &Value) -> Vec<&str> {
    page["results"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| text(&one["name"]))
        .collect()
}

async fn a_list_comes_in_pages(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let empty = api.get(REPOSITORIES).await?.ok()?;
    assert_eq!(empty["count"], 0);
    assert!(
        empty["results"].as_array().is_some_and(Vec::is_empty),
        "{empty}"
    );
    repositories(api, 5).await?;
    let first = api
        .get(&format!("{REPOSITORIES}?limit=2&ordering=name"))
        .await?
        .ok()?;
    assert_eq!(first["count"], 5);
    assert!(first["previous"].is_null(), "{first}");
    assert_eq!(names(&first), ["repository 00", "repository 01"]);
    let next = text(&first["next"]);
    assert!(
        next.starts_with(server.base_url()),
        "clients follow this as it is: {next}"
    );
    let second = api.get(next).await?.ok()?;
    assert_eq!(names(&second), ["repository 02", "repository 03"]);
    let third = api.get(text(&second["next"])).await?.ok()?;
    assert_eq!(names(&third), ["repository 04"]);
    assert!(third["next"].is_null(), "{third}");
    let back = api.get(text(&third["previous"])).await?.ok()?;
    assert_eq!(names(&back), names(&second));
    Ok(())
}

async fn pages_neither_repeat_nor_leave_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    repositories(server.api(), 13).await?;
    let mut seen = Vec::new();
    let mut next = format!("{REPOSITORIES}?limit=3");
    while !next.is_empty() {
        let page = server.api().get(&next).await?.ok()?;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        text(&page["next"]).clone_into(&mut next);
    }
    assert_eq!(seen.len(), 13);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 13);
    Ok(())
}

async fn a_list_is_ordered_as_asked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for name in ["b", "c", "a"] {
        api.file_repository(name).await?;
    }
    let order = async |ordering: &str| {
        let page = api
            .get(&format!("{REPOSITORIES}?ordering={ordering}"))
            .await?
            .ok()?;
        anyhow::Ok(names(&page).concat())
    };
    assert_eq!(order("name").await?, "abc");
    assert_eq!(order("-name").await?, "cba");
    assert_eq!(order("pulp_created").await?, "bca");
    assert_eq!(order("-pulp_created").await?, "acb");
    let reply = api.get(&format!("{REPOSITORIES}?ordering=colour")).await?;
    reply.json(400)?;
    Ok(())
}

async fn a_list_is_chosen_by_name(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    repositories(api, 12).await?;
    let found =
        async |query: &str| anyhow::Ok(api.list(&format!("{REPOSITORIES}?{query}")).await?.len());
    assert_eq!(found("name=repository%2003").await?, 1);
    assert_eq!(found("name=repository").await?, 0);
    assert_eq!(found("name__contains=y%201").await?, 2);
    assert_eq!(found("name__startswith=repository").await?, 12);
    assert_eq!(
        found("name__in=repository%2001,repository%2002,other").await?,
        2
    );
    // An unknown filter must not mean "everything": that is how too much gets deleted.
    let reply = api.get(&format!("{REPOSITORIES}?nmae=x")).await?;
    reply.json(400)?;
    Ok(())
}

async fn fields_can_be_chosen(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    repositories(api, 1).await?;
    let page = api
        .get(&format!("{REPOSITORIES}?fields=name,pulp_href"))
        .await?
        .ok()?;
    let fields = page["results"][0].as_object().map(serde_json::Map::len);
    assert_eq!(fields, Some(2), "{page}");
    let page = api
        .get(&format!("{REPOSITORIES}?exclude_fields=name"))
        .await?
        .ok()?;
    assert!(page["results"][0].get("name").is_none(), "{page}");
    assert!(page["results"][0].get("pulp_href").is_some(), "{page}");
    Ok(())
}

async fn strange_pages_are_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    repositories(api, 1).await?;
    for query in [
        "limit=x",
        "offset=x",
        "limit=-1",
        "offset=-1",
        "offset=99999999999999999999",
    ] {
        let reply = api.get(&format!("{REPOSITORIES}?{query}")).await?;
        // Pulp takes a page that makes no sense for the usual one.
        assert!(matches!(reply.status(), 200 | 400), "{query}: {reply}");
    }
    let beyond = api.get(&format!("{REPOSITORIES}?offset=10")).await?.ok()?;
    assert_eq!(beyond["count"], 1);
    assert_eq!(names(&beyond).len(), 0);
    Ok(())
}

async fn content_is_chosen_by_path_and_digest(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = api.upload_file("one.txt", b"1", None).await?;
    api.upload_file("deep/two.txt", b"2", None).await?;
    let found = async |query: &str| {
        anyhow::Ok(names_of(
            &api.list(&format!("/content/file/files/?{query}")).await?,
        ))
    };
    assert_eq!(found("relative_path=one.txt").await?, ["one.txt"]);
    assert_eq!(
        found(&format!("sha256={}", text(&one["sha256"]))).await?,
        ["one.txt"]
    );
    assert_eq!(
        found("relative_path__contains=deep").await?,
        ["deep/two.txt"]
    );
    assert_eq!(found("ordering=-relative_path&limit=5").await?.len(), 2);
    assert_eq!(
        found("relative_path=three.txt").await?,
        Vec::<String>::new()
    );
    Ok(())
}
