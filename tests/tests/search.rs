//! Search across repositories: what is served where.

use std::collections::BTreeSet;

use anyhow::Result;
use pith_tests::rpm::RpmRepository;
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Test, href, names_of, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    what_is_public_is_found,
    a_distribution_says_where_to_look,
    what_other_versions_had_is_found_when_asked_for,
    a_page_is_the_same_until_something_changes,
    every_link_of_the_roots_leads_somewhere,
    summaries_come_when_asked_for,
    much_is_found_in_one_order_whichever_way,
);

const SEARCH: &str = "/search/file/files/";

/// A repository with files, served at a base path of its name.
async fn served(api: &Api, name: &str, files: &[&str], labels: Value) -> Result<Value> {
    let repository = api.file_repository(name).await?;
    for file in files {
        api.upload_file(file, file.as_bytes(), Some(&repository))
            .await?;
    }
    let settings = json!({
        "name": name, "base_path": name, "repository": href(&repository), "pulp_labels": labels,
    });
    api.run_task("/distributions/file/file/", settings)
        .await?
        .completed()?;
    Ok(repository)
}

/// `repository:file` of each row.
fn found(rows: &[Value]) -> Vec<String> {
    let mut found: Vec<String> = rows
        .iter()
        .map(|row| {
            let name = text(&row["repository"]["name"]);
            format!("{name}:{}", text(&row["content"]["relative_path"]))
        })
        .collect();
    found.sort();
    found
}

async fn what_is_public_is_found(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let public = json!({"content": "public"});
    served(api, "one", &["a.txt", "b.txt"], public.clone()).await?;
    served(api, "two", &["b.txt"], public).await?;
    served(
        api,
        "hidden",
        &["b.txt", "c.txt"],
        json!({"content": "secret"}),
    )
    .await?;
    api.upload_file("nowhere.txt", b"nowhere", None).await?;
    let all = api.list(SEARCH).await?;
    assert_eq!(found(&all), ["one:a.txt", "one:b.txt", "two:b.txt"]);
    let only = api.list(&format!("{SEARCH}?relative_path=b.txt")).await?;
    assert_eq!(found(&only), ["one:b.txt", "two:b.txt"]);
    let page = api.get(&format!("{SEARCH}?limit=1")).await?.ok()?;
    assert_eq!(page["count"], 3);
    let ordered = api
        .list(&format!(
            "{SEARCH}?ordering=repository__name,-relative_path"
        ))
        .await?;
    let names: Vec<&str> = ordered
        .iter()
        .map(|row| text(&row["content"]["relative_path"]))
        .collect();
    assert_eq!(names, ["b.txt", "a.txt", "b.txt"]);
    let secret = api
        .list(&format!("{SEARCH}?distribution_labels=content=secret"))
        .await?;
    assert_eq!(found(&secret), ["hidden:b.txt", "hidden:c.txt"]);
    let q = "q=repository__name%3Dtwo%20OR%20relative_path%3Da.txt";
    assert_eq!(
        found(&api.list(&format!("{SEARCH}?{q}")).await?),
        ["one:a.txt", "two:b.txt"]
    );
    Ok(())
}

async fn a_distribution_says_where_to_look(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = served(api, "one", &["a.txt"], json!({})).await?;
    served(api, "two", &["b.txt"], json!({})).await?;
    assert!(api.list(SEARCH).await?.is_empty(), "nothing is public");
    let path = format!("{SEARCH}?distribution=one&include_related=distributions");
    let rows = api.list(&path).await?;
    assert_eq!(found(&rows), ["one:a.txt"]);
    assert_eq!(rows[0]["repository"]["pulp_href"], one["pulp_href"]);
    let serving = &rows[0]["related_fields"]["distributions"];
    assert_eq!(serving[0]["base_path"], "one", "{serving}");
    let both = api.list(&format!("{SEARCH}?distribution=one,two")).await?;
    assert_eq!(found(&both), ["one:a.txt", "two:b.txt"]);
    assert!(
        api.list(&format!("{SEARCH}?distribution=three"))
            .await?
            .is_empty()
    );
    for (query, field) in [
        ("show_versions=some", "show_versions"),
        ("include_related=namespace", "include_related"),
        ("distribution_labels=,", "distribution_labels"),
        ("colour=red", "colour"),
        ("with=file", "with"),
        ("with=files:sha256", "with"),
        ("with=file:size", "with"),
        ("with=file:colour", "with"),
        ("tell=file:relative_path", "tell"),
        ("tell=greatest:relative_path", "tell"),
        ("tell=with:file", "tell"),
    ] {
        let error = api.get(&format!("{SEARCH}?{query}")).await?.json(400)?;
        assert!(error[field].is_array(), "{query}: {error}");
    }
    api.get("/search/file/directories/").await?.json(404)?;
    Ok(())
}

/// The rows of one page.
async fn rows(api: &Api, path: &str) -> Result<Vec<Value>> {
    let page = api.get(path).await?.ok()?;
    Ok(page["results"].as_array().cloned().unwrap_or_default())
}

/// Pages are remembered: what they show is not, and neither is who may see it.
async fn a_page_is_the_same_until_something_changes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let public = json!({"content": "public"});
    let one = served(api, "one", &["a.txt", "b.txt"], public.clone()).await?;
    let two = served(api, "two", &["b.txt", "c.txt"], public).await?;
    let asked = format!("{SEARCH}?ordering=relative_path&limit=3");
    let twice = async |path: &str| {
        let first = rows(api, path).await?;
        assert_eq!(rows(api, path).await?, first, "{path}");
        anyhow::Ok(first)
    };
    let all = twice(&asked).await?;
    assert_eq!(found(&all), ["one:a.txt", "one:b.txt", "two:b.txt"]);
    let next = twice(&format!("{asked}&offset=3")).await?;
    assert_eq!(found(&next), ["two:c.txt"]);
    let told = format!("{SEARCH}?repository={}&tell=with:file:sha256", href(&one));
    assert_eq!(twice(&told).await?[0]["told"], json!([true]));
    let in_two = format!("{SEARCH}?repository__name__startswith=t&relative_path=b.txt");
    assert_eq!(found(&twice(&in_two).await?), ["two:b.txt"]);

    // Names and labels are not served, and seen at once.
    api.patch(&href(&two), json!({"name": "zwei"}))
        .await?
        .ok()?;
    assert_eq!(found(&twice(&in_two).await?), Vec::<String>::new());
    assert_eq!(found(&rows(api, &asked).await?)[2], "zwei:b.txt");
    let label = json!({"key": "seen", "value": "yes"});
    let unit = text(&all[0]["content"]["pulp_href"]).to_owned();
    let labels = format!("{SEARCH}?pulp_label_select=seen");
    assert_eq!(found(&twice(&labels).await?), Vec::<String>::new());
    api.post(&format!("{unit}set_label/"), label)
        .await?
        .json(201)?;
    assert_eq!(found(&twice(&labels).await?), ["one:a.txt"]);
    let shown = rows(api, &asked).await?;
    assert_eq!(shown[0]["content"]["pulp_labels"], json!({"seen": "yes"}));

    // Who may see less finds less, whatever others found before.
    let ada = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", ada).await?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    assert!(rows(&ada, &asked).await?.is_empty());
    let role = json!({"users": ["ada"], "role": "file.filerepository_viewer"});
    api.post(&format!("{}add_role/", href(&one)), role)
        .await?
        .json(201)?;
    assert_eq!(
        found(&rows(&ada, &asked).await?),
        ["one:a.txt", "one:b.txt"]
    );

    // What is served anew is found, and what is served no more is not.
    api.upload_file("aa.txt", b"aa.txt", Some(&two)).await?;
    let all = twice(&asked).await?;
    assert_eq!(found(&all), ["one:a.txt", "one:b.txt", "zwei:aa.txt"]);
    let remove = json!({"remove_content_units": ["*"]});
    api.modify(&one, remove).await?;
    let all = twice(&asked).await?;
    assert_eq!(found(&all), ["zwei:aa.txt", "zwei:b.txt", "zwei:c.txt"]);
    Ok(())
}

async fn what_other_versions_had_is_found_when_asked_for(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = served(api, "one", &["a.txt", "b.txt"], json!({})).await?;
    let path = format!("{SEARCH}?distribution=one");
    let rows = api.list(&path).await?;
    let removed = &rows[1]["content"]["pulp_href"];
    api.modify(&one, json!({"remove_content_units": [removed]}))
        .await?;
    assert_eq!(api.list(&path).await?.len(), 1);
    let all = api.list(&format!("{path}&show_versions=all")).await?;
    assert_eq!(all.len(), 2);
    let gone: Vec<&Value> = all
        .iter()
        .filter(|row| row["content"]["pulp_href"] == *removed)
        .collect();
    let end = text(&gone[0]["removed_in"]);
    assert!(end.ends_with("/versions/3/"), "{end}");
    let version = api.get(text(&gone[0]["added_in"])).await?.ok()?;
    assert!(!names_of(&api.files_in(&version).await?).is_empty());
    Ok(())
}

async fn every_link_of_the_roots_leads_somewhere(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let mut seen = vec!["/".to_owned()];
    let mut at = 0;
    while at < seen.len() {
        let path = seen[at].clone();
        at += 1;
        let reply = api.get(&path).await?;
        // What only takes things is not read.
        let is_read = reply.status() != 405;
        if !is_read {
            continue;
        }
        assert_eq!(reply.status(), 200, "{path}: {reply}");
        let Ok(answer) = reply.ok() else { continue };
        for route in answer["sub_routes"].as_array().into_iter().flatten() {
            assert_eq!(route["status"], "production", "{route}");
            let url = text(&route["url"]).to_owned();
            if !seen.contains(&url) {
                seen.push(url);
            }
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
    for part in ["plugins/file/", "search/file/files/", "content/file/files/"] {
        assert!(seen.iter().any(|path| path.ends_with(part)), "{part}");
    }
    Ok(())
}

async fn summaries_come_when_asked_for(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = served(api, "one", &["a.txt", "b.txt"], json!({})).await?;
    api.file_repository("two").await?;
    let plain = &api.list("/repositories/file/file/").await?[0];
    assert!(plain.get("related_fields").is_none(), "{plain}");
    let path = "/repositories/file/file/?name=one&include_related=latest_version\
                &include_related=my_permissions";
    let related = &api.list(path).await?[0]["related_fields"];
    assert_eq!(related["latest_version"]["number"], 2);
    assert_eq!(related["latest_version"]["content_count"], 2);
    let permissions = related["my_permissions"].to_string();
    assert!(
        permissions.contains("file.delete_filerepository"),
        "{permissions}"
    );
    let filter = "latest_version__number__gte=1";
    let error = api
        .get(&format!("/repositories/file/file/?{filter}"))
        .await?
        .json(400)?;
    assert!(error["latest_version__number__gte"].is_array(), "{error}");
    let path = format!("/repositories/file/file/?include_related=latest_version&{filter}");
    let found = api.list(&path).await?;
    assert_eq!((found.len(), &found[0]["name"]), (1, &json!("one")));
    let path = "/distributions/file/file/?include_related=repository&repository__name=one";
    let found = &api.list(path).await?[0]["related_fields"]["repository"];
    assert_eq!(found["name"], "one");
    assert_eq!(found["pulp_href"], one["pulp_href"]);
    Ok(())
}

/// Which unit is where, of all pages.
async fn all_pages(api: &Api, path: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    loop {
        let page = api
            .get(&format!("{path}&limit=1000&offset={}", found.len()))
            .await?
            .ok()?;
        let rows = page["results"].as_array().cloned().unwrap_or_default();
        let names = rows.iter().map(|row| {
            let [name, version] = ["name", "version"].map(|field| text(&row["content"][field]));
            format!("{}:{name}-{version}", text(&row["repository"]["name"]))
        });
        found.extend(names);
        let is_last = page["next"].is_null();
        if rows.is_empty() || is_last {
            assert_eq!(page["count"], found.len(), "{path}");
            return Ok(found);
        }
    }
}

/// Among many, words that many have are tested along the way, and words that few have lead to
/// what is found: whichever it is, the answer is the same.
async fn much_is_found_in_one_order_whichever_way(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let versions: Vec<String> = (0..5_100).map(|version| version.to_string()).collect();
    let mut packages: Vec<(&str, &str)> = versions.iter().map(|one| ("bear", &**one)).collect();
    packages.insert(4_000, ("owl", "1"));
    let url = RpmRepository::of(&packages).hold(&upstream, "many");
    let first = api.rpm_mirror("one", &url, "on_demand").await?;
    api.sync_rpm(&first, json!({})).await?.completed()?;
    let version = api.latest_version(&first.repository).await?;
    let mut repositories = vec![first.repository];
    for name in ["two", "three", "four"] {
        let other = api
            .create("/repositories/rpm/rpm/", json!({"name": name}))
            .await?;
        let line = json!({"source_repo_version": href(&version), "dest_repo": href(&other)});
        let copy = json!({"config": [line], "dependency_solving": false});
        api.run_task("/rpm/copy/", copy).await?.completed()?;
        repositories.push(other);
    }
    for repository in &repositories {
        let name = format!("many-{}", text(&repository["name"]));
        let settings = json!({"name": name, "base_path": name, "repository": href(repository),
            "pulp_labels": {"content": "public"}});
        api.run_task("/distributions/rpm/rpm/", settings)
            .await?
            .completed()?;
    }
    let path = "/search/rpm/packages/?show_versions=latest";
    let all = all_pages(api, path).await?;
    assert_eq!(all.len(), 4 * 5_101);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    let bears: Vec<String> = all
        .iter()
        .filter(|one| one.contains("bear"))
        .cloned()
        .collect();
    let owls = all.iter().filter(|one| one.contains("owl"));
    let owls: Vec<String> = owls.cloned().collect();
    let down = all_pages(api, &format!("{path}&ordering=-name")).await?;
    assert!(
        down == [owls.as_slice(), &bears].concat(),
        "owls come first"
    );
    let up = all_pages(api, &format!("{path}&ordering=name&terms=/usr/bin/bear")).await?;
    let units = |all: &[String]| -> BTreeSet<String> { all.iter().cloned().collect() };
    assert!(
        units(&up) == units(&bears),
        "{} of {}",
        up.len(),
        bears.len()
    );
    let up = all_pages(api, &format!("{path}&ordering=name")).await?;
    let (begin, end) = up.split_at(bears.len());
    assert!(units(begin) == units(&bears) && units(end) == units(&owls));
    let of_two = all_pages(api, &format!("{path}&repository__name=two")).await?;
    let expected = all.iter().filter(|one| one.starts_with("two:"));
    assert!(
        of_two.iter().eq(expected),
        "{} of one repository",
        of_two.len()
    );
    for filter in ["terms=/usr/bin/bear", "name=bear"] {
        let found = all_pages(api, &format!("{path}&{filter}")).await?;
        let same = found
            .iter()
            .zip(&bears)
            .take_while(|(one, other)| one == other);
        let (same, of) = (same.count(), bears.len());
        assert!(
            found == bears,
            "{filter}: {} are found of {of}, the first {same} in order",
            found.len()
        );
    }
    for (filter, count) in [
        ("terms=/usr/bin/owl", 4),
        ("terms=/usr/bin/bear,/usr/bin/owl", 0),
        ("terms=/usr/bin/owl&name=owl", 4),
        ("terms=/usr/bin/bear&version=7", 4),
        ("terms=/usr/bin/bear&name=bear&version__in=7,8", 8),
    ] {
        let found = all_pages(api, &format!("{path}&{filter}")).await?;
        assert_eq!(found.len(), count, "{filter}: {found:?}");
        assert!(found.iter().all(|one| all.contains(one)), "{filter}");
    }
    Ok(())
}
