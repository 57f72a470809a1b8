//! What a 400 says: the field, and what was expected of it.

use anyhow::Result;
use pith_tests::{Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_missing_field_is_named,
    an_unknown_field_is_named,
    a_wrong_type_is_named,
    a_value_out_of_bounds_is_named,
    a_name_is_unique,
    a_reference_must_lead_somewhere,
    a_read_only_field_is_not_written,
    several_wrong_fields_are_named_at_once,
    a_body_that_is_no_document_says_so,
    a_refused_creation_leaves_nothing,
);

const REPOSITORIES: &str = "/repositories/file/file/";
const REMOTES: &str = "/remotes/file/file/";
const DISTRIBUTIONS: &str = "/distributions/file/file/";

async fn a_missing_field_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let required = vec!["This field is required.".to_owned()];
    for (path, field) in [
        (REPOSITORIES, "name"),
        (REMOTES, "name"),
        (REMOTES, "url"),
        (DISTRIBUTIONS, "name"),
        (DISTRIBUTIONS, "base_path"),
        ("/users/", "username"),
    ] {
        let reply = server.api().post(path, json!({})).await?;
        assert_eq!(reply.errors_of(field)?, required, "{reply}");
    }
    let blank = vec!["This field may not be blank.".to_owned()];
    let reply = server.api().post(REPOSITORIES, json!({"name": ""})).await?;
    assert_eq!(reply.errors_of("name")?, blank, "{reply}");
    let null = vec!["This field may not be null.".to_owned()];
    let reply = server
        .api()
        .post(REPOSITORIES, json!({"name": null}))
        .await?;
    assert_eq!(reply.errors_of("name")?, null, "{reply}");
    Ok(())
}

async fn an_unknown_field_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("a").await?;
    for reply in [
        api.post(REPOSITORIES, json!({"name": "b", "nmae": "c"}))
            .await?,
        api.patch(&href(&repository), json!({"nmae": "b"})).await?,
    ] {
        let errors = reply.errors_of("nmae")?;
        assert!(errors[0].starts_with("Unexpected field"), "{reply}");
    }
    Ok(())
}

async fn a_wrong_type_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let remote = |field: &str, value: Value| {
        let mut document = json!({"name": "a", "url": "http://127.0.0.1/PULP_MANIFEST"});
        document[field] = value;
        document
    };
    for (path, document, field) in [
        (REPOSITORIES, json!({"name": ["a"]}), "name"),
        (
            REPOSITORIES,
            json!({"name": "a", "autopublish": "perhaps"}),
            "autopublish",
        ),
        (
            REPOSITORIES,
            json!({"name": "a", "retain_repo_versions": "x"}),
            "retain_repo_versions",
        ),
        (
            REPOSITORIES,
            json!({"name": "a", "pulp_labels": ["x"]}),
            "pulp_labels",
        ),
        (
            REMOTES,
            remote("download_concurrency", json!("many")),
            "download_concurrency",
        ),
        (REMOTES, remote("policy", json!("sometimes")), "policy"),
        (REMOTES, remote("headers", json!("x: y")), "headers"),
        (
            REMOTES,
            remote("tls_validation", json!(17)),
            "tls_validation",
        ),
        (
            REMOTES,
            remote("total_timeout", json!("soon")),
            "total_timeout",
        ),
    ] {
        let reply = server.api().post(path, document.clone()).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{document}: {reply}");
    }
    Ok(())
}

async fn a_value_out_of_bounds_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let url = "http://127.0.0.1/PULP_MANIFEST";
    for (path, document, field) in [
        (
            REPOSITORIES,
            json!({"name": "a", "retain_repo_versions": 0}),
            "retain_repo_versions",
        ),
        (
            REMOTES,
            json!({"name": "a", "url": url, "download_concurrency": 0}),
            "download_concurrency",
        ),
        (
            REMOTES,
            json!({"name": "a", "url": url, "total_timeout": -1.0}),
            "total_timeout",
        ),
        (
            REMOTES,
            json!({"name": "a", "url": url, "rate_limit": -1}),
            "rate_limit",
        ),
        // Only HTTP leads to an upstream; the server's own files are nobody's.
        (
            REMOTES,
            json!({"name": "a", "url": "file:///etc/passwd"}),
            "url",
        ),
        (REMOTES, json!({"name": "a", "url": "not a url"}), "url"),
        (REMOTES, json!({"name": "a", "url": "http://"}), "url"),
    ] {
        let reply = server.api().post(path, document.clone()).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{document}: {reply}");
    }
    Ok(())
}

async fn a_name_is_unique(test: Test) -> Result<()> {
    let server = test.start().await?;
    let unique = vec!["This field must be unique.".to_owned()];
    let api = server.api();
    for (path, document) in [
        (REPOSITORIES, json!({"name": "twice"})),
        (
            REMOTES,
            json!({"name": "twice", "url": "http://127.0.0.1/PULP_MANIFEST"}),
        ),
    ] {
        api.create(path, document.clone()).await?;
        let reply = api.post(path, document).await?;
        assert_eq!(reply.errors_of("name")?, unique, "{reply}");
    }
    api.new_distribution(json!({"name": "twice", "base_path": "one"}))
        .await?;
    let reply = api
        .post(DISTRIBUTIONS, json!({"name": "twice", "base_path": "two"}))
        .await?;
    assert_eq!(reply.errors_of("name")?, unique, "{reply}");
    // Renaming to a name that is taken is no better than creating it.
    let other = api.file_repository("other").await?;
    let reply = api.patch(&href(&other), json!({"name": "twice"})).await?;
    assert_eq!(reply.errors_of("name")?, unique, "{reply}");
    Ok(())
}

async fn a_reference_must_lead_somewhere(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("a").await?;
    let absent = "/pulp/api/v3/remotes/file/file/00000000-0000-7000-8000-000000000000/";
    // A thing of another kind, a thing that is gone, and no href at all.
    for wrong in [
        &*href(&repository),
        absent,
        "remotes",
        "/pulp/api/v3/",
        "http://example.invalid/",
    ] {
        let document = json!({"name": "b", "remote": wrong});
        let reply = api.post(REPOSITORIES, document).await?;
        assert!(!reply.errors_of("remote")?.is_empty(), "{wrong}: {reply}");
    }
    let reply = api
        .post(&format!("{}sync/", href(&repository)), json!({}))
        .await?;
    assert!(!reply.errors_of("remote")?.is_empty(), "{reply}");
    let unit = "/pulp/api/v3/content/file/files/00000000-0000-7000-8000-000000000000/";
    let change = json!({"add_content_units": [unit]});
    let reply = api
        .post(&format!("{}modify/", href(&repository)), change)
        .await?;
    assert!(!reply.errors_of("add_content_units")?.is_empty(), "{reply}");
    Ok(())
}

async fn a_read_only_field_is_not_written(test: Test) -> Result<()> {
    let server = test.start().await?;
    let repository = server.api().file_repository("a").await?;
    let change = json!({"pulp_href": "/elsewhere/", "pulp_created": "2001-01-01T00:00:00Z"});
    let reply = server.api().patch(&href(&repository), change).await?;
    // Refused or ignored, as long as nothing changes.
    assert!(matches!(reply.status(), 200 | 202 | 400), "{reply}");
    let after = server.api().get(&href(&repository)).await?.ok()?;
    assert_eq!(after["pulp_href"], repository["pulp_href"]);
    assert_eq!(after["pulp_created"], repository["pulp_created"]);
    Ok(())
}

async fn several_wrong_fields_are_named_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let document = json!({"url": 5, "policy": "sometimes", "nothing": 1});
    let reply = server.api().post(REMOTES, document).await?;
    for field in ["name", "policy"] {
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    Ok(())
}

async fn a_body_that_is_no_document_says_so(test: Test) -> Result<()> {
    let server = test.start().await?;
    for body in [
        "",
        "{",
        "[1, 2]",
        "null",
        "\"name\"",
        "{\"name\": \"\u{0}\"}",
    ] {
        let reply = server
            .api()
            .post_bytes(REPOSITORIES, "application/json", body)
            .await?;
        let document = reply.json(400)?;
        assert!(document.is_object(), "{body:?}: {reply}");
    }
    let not_utf8 = &b"{\"name\": \"\xff\xfe\"}"[..];
    let reply = server
        .api()
        .post_bytes(REPOSITORIES, "application/json", not_utf8)
        .await?;
    reply.json(400)?;
    let reply = server
        .api()
        .post_bytes(REPOSITORIES, "text/csv", "name\na")
        .await?;
    assert!(
        text(&reply.json(415)?["detail"]).contains("text/csv"),
        "{reply}"
    );
    Ok(())
}

async fn a_refused_creation_leaves_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let document = json!({"name": "refused", "autopublish": "perhaps"});
    server.api().post(REPOSITORIES, document).await?.json(400)?;
    assert_eq!(server.api().list(REPOSITORIES).await?.len(), 0);
    server.api().file_repository("refused").await?;
    Ok(())
}
