//! The two roots of the one API: each answers with hrefs of its own.

use anyhow::Result;
use pith_tests::{API_ROOTS, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    hrefs_use_the_root_that_was_asked,
    a_resource_is_the_same_under_both_roots,
    hrefs_of_either_root_are_understood,
    options_say_what_each_verb_takes,
);

async fn options_say_what_each_verb_takes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let described = api.options("/repositories/file/file/").await?.ok()?;
    assert_eq!(described["name"], "Repositories");
    assert!(described["actions"].to_string().contains("POST"));
    let schema = &described["operations"]["POST"]["schema"];
    assert!(schema["properties"]["name"].is_object(), "{described}");
    assert!(
        schema["properties"]["autopublish"].is_object(),
        "{described}"
    );
    let repository = api.file_repository("one").await?;
    let described = api.options(&href(&repository)).await?.ok()?;
    let schema = &described["operations"]["PATCH"]["schema"];
    assert!(
        schema["properties"]["description"].is_object(),
        "{described}"
    );
    assert!(described["operations"]["DELETE"]["summary"].is_string());
    let described = api.options("/users/").await?.ok()?;
    assert!(
        described["operations"]["GET"]["summary"].is_string(),
        "{described}"
    );
    Ok(())
}

/// Every text in a document that looks like an href.
fn hrefs_in(document: &Value) -> Vec<&str> {
    match document {
        Value::String(text) if text.contains("/api/v3/") => vec![text],
        Value::Array(items) => items.iter().flat_map(hrefs_in).collect(),
        Value::Object(fields) => fields.values().flat_map(hrefs_in).collect(),
        _ => Vec::new(),
    }
}

async fn hrefs_use_the_root_that_was_asked(test: Test) -> Result<()> {
    let server = test.start().await?;
    for root in API_ROOTS {
        let api = server.api().at_root(root);
        let name = format!("at {root}");
        let created = api
            .post("/repositories/file/file/", json!({"name": name}))
            .await?;
        let repository = created.json(201)?;
        assert_eq!(created.header("location"), href(&repository), "{created}");
        let version = api
            .get(text(&repository["latest_version_href"]))
            .await?
            .ok()?;
        let listed = api.get("/repositories/file/file/").await?.ok()?;
        let task = api
            .run_task(&format!("{}modify/", href(&repository)), json!({}))
            .await?;
        for document in [&repository, &version, &listed, &task.0] {
            let hrefs = hrefs_in(document);
            assert!(!hrefs.is_empty(), "no href in {document}");
            for found in hrefs {
                let path = found.strip_prefix(server.base_url()).unwrap_or(found);
                assert!(
                    path.starts_with(&format!("{root}/")),
                    "{found} in {document}"
                );
            }
        }
    }
    Ok(())
}

async fn a_resource_is_the_same_under_both_roots(test: Test) -> Result<()> {
    let server = test.start().await?;
    let [pulp, plain] = API_ROOTS.map(|root| server.api().at_root(root));
    let one = pulp.file_repository("shared").await?;
    let other = &plain.list("/repositories/file/file/?name=shared").await?[0];
    assert_eq!(one["prn"], other["prn"]);
    assert_eq!(href(&one).replace(API_ROOTS[0], API_ROOTS[1]), href(other));
    Ok(())
}

async fn hrefs_of_either_root_are_understood(test: Test) -> Result<()> {
    let server = test.start().await?;
    let [pulp, plain] = API_ROOTS.map(|root| server.api().at_root(root));
    let file = pulp.upload_file("a.txt", b"a", None).await?;
    let repository = plain.file_repository("mixed").await?;
    let version = plain
        .modify(&repository, json!({"add_content_units": [href(&file)]}))
        .await?;
    assert_eq!(plain.files_in(&version).await?.len(), 1);
    // A PRN names the same thing without any root.
    let change = json!({"remove_content_units": [file["prn"]]});
    let version = pulp.modify(&repository, change).await?;
    assert_eq!(pulp.files_in(&version).await?.len(), 0);
    Ok(())
}
