//! Derived fields: a plugin makes them of fragments for whoever reads them.

use anyhow::Result;
use pith_tests::{Api, Test, built_plugin, href, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    derived_fields_are_made_for_whoever_reads_them,
    fields_that_cannot_be_derived_spoil_their_own_answer_alone,
);

async fn load(api: &Api, file: &str, status: u16) -> Result<()> {
    let bytes = std::fs::read(built_plugin(file)?)?;
    let loaded = api
        .post_bytes("/components/", "application/wasm", bytes)
        .await?;
    loaded.json(status)?;
    Ok(())
}

async fn derived_fields_are_made_for_whoever_reads_them(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "shelf_two.wasm", 201).await?;
    let repository = api
        .create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let remote = json!({"name": "m", "url": "http://127.0.0.1:1/"});
    let remote = api.create("/remotes/shelf/shelf/", remote).await?;
    let sync = format!("{}sync/", href(&repository));
    let old = json!({"remote": href(&remote), "count": 3});
    api.run_task(&sync, old).await?.completed()?;
    let stored = api.list("/content/shelf/books/?note__isnull=false").await?;
    assert_eq!(stored.len(), 3);

    // Its column goes, and its index.
    load(api, "shelf_derived.wasm", 200).await?;
    let new = json!({"remote": href(&remote), "prefix": "owls"});
    api.run_task(&sync, new).await?.completed()?;
    let books = api.list("/content/shelf/books/?ordering=title").await?;
    let notes: Vec<&Value> = books.iter().map(|book| &book["note"]).collect();
    assert_eq!(
        notes,
        [&Value::Null, &Value::Null, &Value::Null, &json!("owls")]
    );
    let owls = href(&books[3]);
    assert_eq!(api.get(&owls).await?.ok()?["note"], "owls");
    let alone = api.get(&format!("{owls}?fields=note")).await?.ok()?;
    assert_eq!(alone, json!({"note": "owls"}));
    let without = api
        .get(&format!("{owls}?exclude_fields=note"))
        .await?
        .ok()?;
    assert!(without.get("note").is_none(), "{without}");
    for query in ["note=owls", "ordering=note", "q=note%3Dowls"] {
        let path = format!("/content/shelf/books/?{query}");
        let refused = api.get(&path).await?.json(400)?;
        assert!(refused.to_string().contains("note"), "{query}: {refused}");
    }
    let cheat = json!({"remote": href(&remote), "prefix": "stored"});
    let failed = api.run_task(&sync, cheat).await?;
    assert!(failed.failure()?.contains("derived"), "{}", failed.0);
    let shelf = api.get("/components/shelf/").await?.ok()?;
    assert_eq!(shelf["abilities"], json!(["sync", "derive"]));

    // And back again: what was derived is nothing that a row has.
    load(api, "shelf_two.wasm", 200).await?;
    let books = api.list("/content/shelf/books/").await?;
    assert!(books.iter().all(|book| book["note"].is_null()), "{books:?}");
    Ok(())
}

async fn fields_that_cannot_be_derived_spoil_their_own_answer_alone(test: Test) -> Result<()> {
    let hurry = test.server().environment("PITH_PLUGIN_CPU_SECONDS", "1");
    let server = hurry.start().await?;
    let api = server.api();
    load(api, "shelf_derived.wasm", 201).await?;
    let repository = api
        .create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let remote = json!({"name": "m", "url": "http://127.0.0.1:1/"});
    let remote = api.create("/remotes/shelf/shelf/", remote).await?;
    let sync = format!("{}sync/", href(&repository));
    let notes = [
        "owls", "panic!", "loop!", "refuse!", "broken!", "list!", "less!",
    ];
    for note in notes {
        let params = json!({"remote": href(&remote), "prefix": note});
        api.run_task(&sync, params).await?.completed()?;
    }
    let titles = api
        .list("/content/shelf/books/?fields=title,pulp_href")
        .await?;
    assert_eq!(titles.len(), notes.len(), "nobody asked for notes");
    for book in &titles {
        let reply = api.get(&href(book)).await?;
        if book["title"] == "about owls" {
            assert_eq!(reply.ok()?["note"], "owls");
        } else {
            let refused = reply.json(500)?;
            assert!(!refused.to_string().contains("asked to"), "{refused}");
        }
    }
    let all = api.get("/content/shelf/books/").await?;
    assert_eq!(all.status(), 500);
    api.get("/content/rpm/packages/").await?.ok()?;
    Ok(())
}
