//! Copies of what RPM repositories have: what units name comes along.

use anyhow::Result;
use pith_tests::rpm::RpmRepository;
use pith_tests::upstream::Upstream;
use pith_tests::{Test, href, on_both_databases, text};
use serde_json::json;

use crate::rpm::{COMPS, MODULES, UPDATE};

on_both_databases!(what_units_name_is_copied_with_them,);

async fn what_units_name_is_copied_with_them(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = RpmRepository::of(&[("bear", "1"), ("bear", "2"), ("owl", "1"), ("owl", "2")])
        .with(
            "updateinfo",
            "updateinfo.xml",
            &format!("<updates>{UPDATE}</updates>"),
        )
        .with("group", "comps.xml", COMPS)
        .with("modules", "modules.yaml", MODULES)
        .hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    for (plural, pulled_in) in [
        // The advisory names bear 2, the module bear 1, the category a group of owls.
        ("advisories", &["bear 2"][..]),
        ("modulemds", &["bear 1"]),
        ("packagecategories", &["owl 1", "owl 2"]),
    ] {
        let destination = json!({"name": plural});
        let destination = api.create("/repositories/rpm/rpm/", destination).await?;
        let unit = api.rpm_units(&mirror, plural).await?.remove(0);
        let line = json!({
            "source_repo_version": href(&api.latest_version(&mirror.repository).await?),
            "dest_repo": href(&destination),
            "content": [href(&unit)],
        });
        let body = json!({"config": [line], "dependency_solving": false});
        api.run_task("/rpm/copy/", body).await?.completed()?;
        let version = href(&api.latest_version(&destination).await?);
        let path = format!("/content/rpm/packages/?repository_version={version}");
        let mut names: Vec<String> = api
            .list(&path)
            .await?
            .iter()
            .map(|unit| format!("{} {}", text(&unit["name"]), text(&unit["version"])))
            .collect();
        names.sort();
        assert_eq!(names, pulled_in, "{plural}");
    }
    Ok(())
}
