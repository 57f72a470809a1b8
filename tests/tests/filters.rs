//! Filters: every operator, expressions, documents, and what is refused.

use anyhow::Result;
use pith_tests::{Api, Test, href, names_of, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    every_operator_compares,
    expressions_combine_filters,
    expressions_take_what_is_no_column,
    documents_are_looked_into,
    what_is_no_filter_is_refused,
    every_field_of_an_answer_filters,
    versions_are_chosen_by_their_content,
);

const FILES: &str = "/content/file/files/";
const REPOSITORIES: &str = "/repositories/file/file/";

/// A query string of one parameter, written as it may stand in a URL.
fn query(name: &str, value: &str) -> String {
    let pairs = [(name, value)];
    serde_urlencoded::to_string(pairs).unwrap_or_default()
}

async fn names(api: &Api, path: &str, name: &str, value: &str) -> Result<String> {
    let found = api
        .list(&format!("{path}?ordering=name&{}", query(name, value)))
        .await?;
    let names: Vec<&str> = found.iter().map(|one| text(&one["name"])).collect();
    Ok(names.join(" "))
}

async fn every_operator_compares(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (name, retain) in [("alpha", Some(1)), ("Beta", Some(5)), ("be_ta%", None)] {
        let settings = json!({"name": name, "retain_repo_versions": retain});
        api.create(REPOSITORIES, settings).await?;
    }
    for (filter, value, expected) in [
        ("name", "alpha", "alpha"),
        ("name__ne", "alpha", "Beta be_ta%"),
        ("name__in", "alpha,Beta,x", "Beta alpha"),
        ("name__contains", "et", "Beta"),
        ("name__contains", "_", "be_ta%"),
        ("name__contains", "%", "be_ta%"),
        ("name__icontains", "ET", "Beta"),
        ("name__startswith", "be", "be_ta%"),
        ("name__startswith", "", "Beta alpha be_ta%"),
        ("name__istartswith", "BE", "Beta be_ta%"),
        ("name__endswith", "a", "Beta alpha"),
        ("name__iendswith", "TA", "Beta"),
        ("name__iexact", "ALPHA", "alpha"),
        ("name__lt", "alpha", "Beta"),
        ("name__range", "a,b", "alpha"),
        ("name__regex", "^[a-z]+$", "alpha"),
        ("name__iregex", "^b.*A", "Beta be_ta%"),
        ("retain_repo_versions", "5", "Beta"),
        ("retain_repo_versions__gt", "1", "Beta"),
        ("retain_repo_versions__gte", "1", "Beta alpha"),
        ("retain_repo_versions__lt", "5", "alpha"),
        ("retain_repo_versions__lte", "5", "Beta alpha"),
        ("retain_repo_versions__range", "2,9", "Beta"),
        ("retain_repo_versions__isnull", "true", "be_ta%"),
        ("retain_repo_versions__isnull", "false", "Beta alpha"),
        ("retain_repo_versions__ne", "5", "alpha be_ta%"),
        (
            "pulp_created__gte",
            "2020-01-01T00:00:00Z",
            "Beta alpha be_ta%",
        ),
        ("pulp_created__startswith", "20", "Beta alpha be_ta%"),
        ("autopublish", "false", "Beta alpha be_ta%"),
    ] {
        let found = names(api, REPOSITORIES, filter, value).await?;
        assert_eq!(found, expected, "{filter}={value}");
    }
    Ok(())
}

async fn expressions_combine_filters(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (name, retain) in [("a", Some(1)), ("b", Some(2)), ("c's", None)] {
        let settings = json!({"name": name, "retain_repo_versions": retain});
        api.create(REPOSITORIES, settings).await?;
    }
    for (expression, expected) in [
        ("name='a'", "a"),
        ("name=a OR name=\"b\"", "a b"),
        ("name=a AND retain_repo_versions=2", ""),
        ("name=b, retain_repo_versions=2", "b"),
        ("NOT name=a", "b c's"),
        ("NOT retain_repo_versions<2", "b c's"),
        ("retain_repo_versions>=1 AND NOT (name=a OR name=x)", "b"),
        ("name IN (a, 'c''s')", "a c's"),
        ("name NOT IN (a, b)", "c's"),
        ("name__in=a,b", "a b"),
        ("name!=a", "b c's"),
        (r"name='c\'s'", "c's"),
        (
            "name__icontains='C' or retain_repo_versions__isnull=false",
            "a b c's",
        ),
    ] {
        let found = names(api, REPOSITORIES, "q", expression).await?;
        assert_eq!(found, expected, "{expression}");
    }
    let page = format!("{REPOSITORIES}?limit=1&{}", query("q", "name=a OR name=b"));
    let page = api.get(&page).await?.ok()?;
    assert_eq!(page["count"], 2);
    let next = api.get(text(&page["next"])).await?.ok()?;
    assert_eq!(next["count"], 2, "the next page is of the same expression");
    for (expression, part) in [
        ("name", "At character 5"),
        ("name='a", "the end of the quoted text"),
        ("colour=red", "colour: There is no such filter"),
        ("name__like=a", "Unknown operator \\\"like\\\""),
        ("retain_repo_versions=many", "Expected an integer"),
        (&"(".repeat(3000), "at most 32"),
    ] {
        let reply = api
            .get(&format!("{REPOSITORIES}?{}", query("q", expression)))
            .await?;
        let error = reply.json(400)?;
        assert!(
            error["q"].to_string().contains(part),
            "{expression}: {error}"
        );
    }
    Ok(())
}

async fn expressions_take_what_is_no_column(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let first = api.file_repository("first").await?;
    let second = api.file_repository("second").await?;
    let path = format!("{}set_label/", href(&first));
    api.post(&path, json!({"key": "env", "value": "prod"}))
        .await?
        .json(201)?;
    for (expression, expected) in [
        (format!("pulp_href={}", href(&first)), "first"),
        (format!("NOT prn='{}'", text(&first["prn"])), "second"),
        (
            format!("pulp_href IN ('{}', {})", href(&first), href(&second)),
            "first second",
        ),
        ("pulp_label_select='env=prod'".to_owned(), "first"),
        ("NOT pulp_label_select=env".to_owned(), "second"),
        ("pulp_labels__env=prod".to_owned(), "first"),
    ] {
        let found = names(api, REPOSITORIES, "q", &expression).await?;
        assert_eq!(found, expected, "{expression}");
    }
    let file = api.upload_file("a.txt", b"a", Some(&first)).await?;
    api.upload_file("b.txt", b"b", None).await?;
    let version = api.latest_version(&first).await?;
    let held = format!("with_content='{}'", href(&file));
    assert_eq!(names(api, REPOSITORIES, "q", &held).await?, "first");
    let files = async |expression: String| {
        let found = api
            .list(&format!("{FILES}?{}", query("q", &expression)))
            .await?;
        anyhow::Ok(names_of(&found).join(" "))
    };
    let version = href(&version);
    assert_eq!(
        files(format!("repository_version={version}")).await?,
        "a.txt"
    );
    assert_eq!(
        files(format!("NOT repository_version={version}")).await?,
        "b.txt"
    );
    assert_eq!(
        files("relative_path__endswith=txt".to_owned()).await?,
        "a.txt b.txt"
    );
    Ok(())
}

async fn documents_are_looked_into(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let headers = json!([{"X-One": "1"}, {"X-Two": "two"}, {"X-One": "11"}]);
    for (name, headers) in [("some", headers), ("none", json!([]))] {
        let settings = json!({"name": name, "url": "http://localhost/", "headers": headers});
        api.create("/remotes/file/file/", settings).await?;
    }
    for (filter, value, expected) in [
        ("headers__X-One", "1", "some"),
        ("headers__X-One", "2", ""),
        ("headers__X-Two__icontains", "TW", "some"),
        ("headers__X-Two__isnull", "true", "none"),
        ("headers__X-One__ne", "11", "none"),
        ("headers__X-One__in", "3,11", "some"),
        ("headers__X-Two__startswith", "t", "some"),
    ] {
        let found = names(api, "/remotes/file/file/", filter, value).await?;
        assert_eq!(found, expected, "{filter}={value}");
    }
    Ok(())
}

async fn what_is_no_filter_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (filter, value, part) in [
        ("colour", "red", "There is no such filter. Filters are: "),
        ("name__like", "x", "Unknown operator"),
        ("name__regex", "(", "Expected a regular expression"),
        ("name__regex", r"(\w{90}){90}", "takes too much memory"),
        ("name__regex", r"(a)\1", "Expected a regular expression"),
        ("pulp_created__gt", "yesterday", "Expected a moment"),
        ("pulp_href", "x", "neither a path"),
        ("retain_repo_versions__range", "1", "Expected two values"),
        ("autopublish", "maybe", "Expected true or false"),
    ] {
        let reply = api
            .get(&format!("{REPOSITORIES}?{}", query(filter, value)))
            .await?;
        let error = reply.json(400)?;
        let said = error[filter].to_string();
        assert!(said.contains(part), "{filter}={value}: {error}");
    }
    Ok(())
}

/// Lists, with the fields of their answers that say nothing that could be compared.
const LISTS: &[(&str, &[&str])] = &[
    (REPOSITORIES, &["last_sync_details", "retain_checkpoints"]),
    ("/repository_versions/", &["content_summary", "vuln_report"]),
    ("/remotes/file/file/", &["hidden_fields"]),
    ("/publications/file/file/", &["distributions"]),
    (
        "/distributions/file/file/",
        &[
            "base_url",
            "content_guard",
            "content_guard_prn",
            "no_content_change_since",
        ],
    ),
    (FILES, &["vuln_report"]),
    ("/artifacts/", &[]),
    (
        "/tasks/",
        &[
            "pulp_api_version",
            "child_tasks",
            "task_group",
            "created_resource",
            "created_resource_prns",
        ],
    ),
    ("/users/", &["groups", "hidden_fields"]),
    ("/workers/", &["current_task", "versions"]),
];

async fn every_field_of_an_answer_filters(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("one").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    api.file_remote("one", "http://localhost/", "immediate")
        .await?;
    let publication = api.publish(&repository).await?;
    let settings = json!({"name": "one", "base_path": "one", "publication": href(&publication)});
    api.run_task("/distributions/file/file/", settings)
        .await?
        .completed()?;
    for (path, dumb) in LISTS {
        let rows = api.list(path).await?;
        let Some(Value::Object(row)) = rows.last() else {
            anyhow::bail!("{path} lists nothing");
        };
        for (field, value) in row {
            if dumb.contains(&field.as_str()) {
                continue;
            }
            let path_of = |filter: &str, value: &str| format!("{path}?{}", query(filter, value));
            let is_null = value.is_null().to_string();
            let isnull = format!("{field}__isnull");
            let found = api.get(&path_of(&isnull, &is_null)).await?.ok()?;
            assert_ne!(found["count"], 0, "{path} {isnull}={is_null}");
            let value = match value {
                Value::String(value) => value.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => continue,
            };
            for operator in ["", "__in", "__contains", "__iregex"] {
                let given = if operator == "__iregex" { ".*" } else { &value };
                let found = api
                    .get(&path_of(&format!("{field}{operator}"), given))
                    .await?
                    .ok()?;
                assert_ne!(found["count"], 0, "{path} {field}{operator}={given}");
            }
        }
    }
    Ok(())
}

async fn versions_are_chosen_by_their_content(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("one").await?;
    let a = api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let b = api.upload_file("b.txt", b"b", Some(&repository)).await?;
    let count = async |filter: &str, value: &str| {
        let found = api
            .get(&format!("/repository_versions/?{}", query(filter, value)))
            .await?;
        anyhow::Ok(found.ok()?["count"].clone())
    };
    assert_eq!(count("content", &href(&a)).await?, 2);
    assert_eq!(count("content", &href(&b)).await?, 1);
    let both = format!("{},{}", href(&a), href(&b));
    assert_eq!(count("content__in", &both).await?, 2);
    assert_eq!(count("number__range", "1,2").await?, 2);
    let not = format!("NOT content='{}' AND number>0", href(&b));
    assert_eq!(count("q", &not).await?, 1);
    Ok(())
}
