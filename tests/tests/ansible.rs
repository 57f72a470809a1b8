//! Ansible collections that are uploaded: what they become, how they are served, and which
//! are refused.

use anyhow::{Result, ensure};
use pith_tests::ansible::{Collection, gzip};
use pith_tests::upstream::sha256_hex;
use pith_tests::{Form, Test, href, on_both_databases, present, stored_digests, text};
use serde_json::{Value, json};

on_both_databases!(
    an_uploaded_collection_says_what_it_is,
    a_repository_is_served_as_it_is,
    versions_are_filtered_by_their_order,
    a_version_takes_the_place_of_the_same_version,
    what_the_client_expects_must_be_there,
    hostile_archives_leave_nothing,
    marks_and_deprecations_are_made_of_fields,
    a_signature_is_uploaded_beside_its_collection,
);

/// A signature that names its key, and signs nothing.
pub(crate) const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n\n\
    iB8EAAEIABcWIQSrq6urq6urq6urq6urq6urq6urqwAA\n-----END PGP SIGNATURE-----\n";

const COLLECTION_VERSIONS: &str = "/content/ansible/collection_versions/";

async fn an_uploaded_collection_says_what_it_is(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let owls =
        Collection::new("zoo", "owls", "1.10.0-rc.1").needing(json!({"zoo.base": ">=1.0.0"}));
    let archive = owls.archive()?;
    let unit = api.upload_collection(&owls, Some(&repository)).await?;
    for (field, expected) in [
        ("namespace", json!("zoo")),
        ("name", json!("owls")),
        ("version", json!("1.10.0-rc.1")),
        ("sha256", json!(sha256_hex(&archive))),
        ("authors", json!(["Ada <ada@example.org>"])),
        ("dependencies", json!({"zoo.base": ">=1.0.0"})),
        ("description", json!("The owls")),
        ("homepage", json!("")),
        ("license", json!(["MIT"])),
        ("origin_repository", json!("https://example.org/source")),
        ("tags", json!([{"name": "zoo"}])),
        ("requires_ansible", json!(">=2.15.0")),
        ("manifest", owls.manifest_json()),
        ("files", owls.files_json()),
        (
            "contents",
            json!([{"name": "hoot", "content_type": "module",
                "description": "Hoots 1.10.0-rc.1"}]),
        ),
    ] {
        assert_eq!(unit[field], expected, "{field}");
    }
    assert_eq!(
        unit["docs_blob"]["collection_readme"],
        json!({"name": "README.md",
            "html": "<h1>The owls</h1>\n<p>Of <em>zoo</em>.</p>\n"})
    );
    let version = api.latest_version(&repository).await?;
    assert_eq!(present(&version, "ansible.collection_version"), 1);
    // The same again is the same.
    let again = api.upload_collection(&owls, None).await?;
    assert_eq!(again["pulp_href"], unit["pulp_href"]);
    Ok(())
}

async fn a_repository_is_served_as_it_is(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let distribution = api.serve_ansible(&repository).await?;
    // It tells what the client takes for a server, and clients may send that back.
    let address = format!("{}/pulp_ansible/galaxy/zoo/", server.base_url());
    assert_eq!(distribution["client_url"], address);
    let same = api.put(&href(&distribution), distribution.clone()).await?;
    assert_eq!(same.ok()?["client_url"], address);
    let root = api.get(&format!("{address}api/")).await?.ok()?;
    assert_eq!(root["available_versions"]["v3"], "v3/");
    let mut owls = Collection::new("zoo", "owls", "1.0.0");
    for version in ["1.0.0", "1.1.0"] {
        owls.version = version.into();
        api.upload_collection(&owls, Some(&repository)).await?;
        // Nothing was published; the newest version counts at once.
        let path = format!("zoo/{}", owls.file_name());
        assert_eq!(server.fetch_bytes(&path).await?, owls.archive()?);
    }
    Ok(())
}

async fn versions_are_filtered_by_their_order(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let mut owls = Collection::new("zoo", "owls", "");
    let sorted = [
        "0.9.0",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0",
        "1.9.0",
        "1.10.0",
        "2.0.0",
    ];
    for version in sorted {
        owls.version = version.into();
        api.upload_collection(&owls, None).await?;
    }
    let found = |filter: String| {
        let api = &api;
        async move {
            let path = format!("{COLLECTION_VERSIONS}?{filter}&fields=version");
            let units = api.list(&path).await?;
            let versions = units.iter().map(|unit| text(&unit["version"]).to_owned());
            anyhow::Ok(versions.collect::<Vec<String>>())
        }
    };
    assert_eq!(found("ordering=version".into()).await?, sorted);
    let range = "version__gte=1.0&version__lt=2.0.0&ordering=-version";
    assert_eq!(found(range.into()).await?, ["1.10.0", "1.9.0", "1.0.0"]);
    assert_eq!(found("name=owls&version=1.0.0".into()).await?, ["1.0.0"]);
    Ok(())
}

async fn a_version_takes_the_place_of_the_same_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let owls = Collection::new("zoo", "owls", "1.0.0");
    let first = api.upload_collection(&owls, Some(&repository)).await?;
    let mut other = owls.clone();
    other.files[0].1 = b"# Other owls\n".to_vec();
    let second = api.upload_collection(&other, Some(&repository)).await?;
    assert_ne!(first["sha256"], second["sha256"]);
    let units = api
        .ansible_units(&repository, "collection_versions")
        .await?;
    assert_eq!(units.len(), 1);
    assert_eq!(units[0]["sha256"], second["sha256"]);
    Ok(())
}

async fn what_the_client_expects_must_be_there(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let owls = Collection::new("zoo", "owls", "1.0.0");
    let archive = owls.archive()?;
    let task = api
        .upload_archive("zoo-owls-1.0.1.tar.gz", &archive, None)
        .await?;
    let failure = task.failure()?;
    ensure!(failure.contains("\"1.0.1\" was expected"), "{failure}");
    let task = api.upload_archive("owls.tar.gz", &archive, None).await?;
    let failure = task.failure()?;
    ensure!(
        failure.contains("namespace-name-version.tar.gz"),
        "{failure}"
    );
    let expecting = |version: &str| {
        Form::new()
            .file("file", "blob", &archive)
            .text("expected_namespace", "zoo")
            .text("expected_name", "owls")
            .text("expected_version", version)
    };
    let reply = api
        .post_form(COLLECTION_VERSIONS, expecting("2.0.0"))
        .await?;
    let task = api.finish(reply).await?;
    ensure!(
        task.failure()?.contains("\"2.0.0\" was expected"),
        "{task:?}"
    );
    let reply = api
        .post_form(COLLECTION_VERSIONS, expecting("1.0.0"))
        .await?;
    api.finish(reply).await?.completed()?;
    Ok(())
}

async fn hostile_archives_leave_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let owls = Collection::new("zoo", "owls", "1.0.0");
    let spoilt = |spoil: &dyn Fn(&mut Collection)| {
        let mut spoilt = owls.clone();
        spoil(&mut spoilt);
        spoilt.archive()
    };
    let bomb = vec![0; 150 << 20];
    let link = |kind: char, target: &str| vec![(kind, "docs/link".into(), target.into())];
    let lie = |truth: &str, lie: &str| vec![(truth.to_owned(), lie.to_owned())];
    let readme = sha256_hex(&owls.files[0].1);
    for (archive, said) in [
        (b"no archive".to_vec(), "no tar archive"),
        (gzip(&bomb)?, "unpacks to more than "),
        (
            spoilt(&|one: &mut Collection| one.beyond.push(("../evil".into(), b"x".to_vec())))?,
            "the path `../evil` has the segment `..`",
        ),
        (
            spoilt(&|one: &mut Collection| one.beyond.push(("extra.py".into(), b"x".to_vec())))?,
            "\"extra.py\" of the archive is not listed in FILES.json",
        ),
        (
            spoilt(&|one: &mut Collection| one.beyond.push(one.files[0].clone()))?,
            "\"README.md\" of the archive is there twice",
        ),
        (
            spoilt(&|one: &mut Collection| one.links = link('2', "../../etc/passwd"))?,
            "\"docs/link\" of the archive is a link to \"../../etc/passwd\", which is outside",
        ),
        (
            spoilt(&|one: &mut Collection| one.links = link('2', "/etc/passwd"))?,
            "outside of the collection",
        ),
        (
            spoilt(&|one: &mut Collection| one.links = link('1', "../../etc/passwd"))?,
            "no file before it",
        ),
        (
            spoilt(&|one: &mut Collection| one.links = link('3', ""))?,
            "\"docs/link\" of the archive is neither",
        ),
        (
            spoilt(&|one: &mut Collection| one.lies = lie(&readme, &"0".repeat(64)))?,
            "\"README.md\" of the archive has the SHA-256",
        ),
        (
            spoilt(&|one: &mut Collection| one.lies = lie("README.md", "READ.md"))?,
            "READ.md",
        ),
        (
            spoilt(&|one: &mut Collection| {
                let members = (0..100_000).map(|number| (number.to_string(), Vec::new()));
                one.beyond.extend(members);
            })?,
            "the archive has more than 100000 members",
        ),
        (
            spoilt(&|one: &mut Collection| one.name = "Owls".into())?,
            "collection_info.name",
        ),
        (
            spoilt(&|one: &mut Collection| one.version = "1.0".into())?,
            "collection_info.version",
        ),
    ] {
        let task = api
            .upload_archive(&owls.file_name(), &archive, Some(&repository))
            .await?;
        let failure = task.failure()?;
        ensure!(failure.contains(said), "{failure}\nlacks {said}");
        ensure!(task.created().is_empty(), "{task:?}");
    }
    assert_eq!(api.list(COLLECTION_VERSIONS).await?, Vec::<Value>::new());
    assert_eq!(api.latest_number(&repository).await?, 0);
    // What was sent belongs to nobody, and goes with the next clean-up.
    let order = json!({"orphan_protection_time": 0});
    api.run_task("/orphans/cleanup/", order)
        .await?
        .completed()?;
    assert_eq!(api.list("/artifacts/").await?, Vec::<Value>::new());
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn marks_and_deprecations_are_made_of_fields(test: Test) -> Result<()> {
    const MARKS: &str = "/content/ansible/collection_marks/";
    const DEPRECATIONS: &str = "/content/ansible/collection_deprecations/";
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let owls = Collection::new("zoo", "owls", "1.0.0");
    let unit = api.upload_collection(&owls, Some(&repository)).await?;
    for (place, body) in [
        (
            MARKS,
            json!({"marked_collection": href(&unit), "value": "tested"}),
        ),
        (DEPRECATIONS, json!({"namespace": "zoo", "name": "owls"})),
    ] {
        let mut whole = body.clone();
        whole["repository"] = repository["pulp_href"].clone();
        let task = api.run_task(place, whole).await?.completed()?;
        let made = api.get(&task.created_one(place)?).await?.ok()?;
        for (name, value) in body.as_object().expect("an object") {
            assert_eq!(&made[name], value, "{name}");
        }
        assert_eq!(
            (&made["namespace"], &made["name"]),
            (&json!("zoo"), &json!("owls"))
        );
        // The same again, in no repository, is the same.
        let task = api.run_task(place, body).await?.completed()?;
        assert_eq!(task.created_one(place)?, href(&made));
    }
    for plural in ["collection_marks", "collection_deprecations"] {
        assert_eq!(api.ansible_units(&repository, plural).await?.len(), 1);
    }
    api.serve_ansible(&repository).await?;
    let shown = "/api/galaxy/v3/plugin/ansible/content/zoo/collections/index/zoo/owls/";
    assert_eq!(api.get(shown).await?.ok()?["deprecated"], true);
    let mark = json!({"marked_collection": href(&unit), "value": "tested"});
    for (place, body, field) in [
        (MARKS, json!({"value": "x"}), "marked_collection"),
        (
            MARKS,
            json!({"marked_collection": "/x/", "value": "x"}),
            "marked_collection",
        ),
        (
            MARKS,
            json!({"marked_collection": href(&unit), "value": "a b"}),
            "value",
        ),
        (
            MARKS,
            json!({"marked_collection": href(&unit), "value": "x", "file": "x"}),
            "file",
        ),
        (DEPRECATIONS, json!({"namespace": "zoo"}), "name"),
        (
            DEPRECATIONS,
            json!({"namespace": "../x", "name": "owls"}),
            "namespace",
        ),
    ] {
        let reply = api.post(place, body).await?;
        ensure!(!reply.errors_of(field)?.is_empty(), "{field}: {reply}");
    }
    let task = api
        .run_task(DEPRECATIONS, json!({"namespace": "zoo", "name": "Owls"}))
        .await?;
    ensure!(
        task.failure()?.contains("name: \"Owls\" is no name"),
        "{task:?}"
    );
    // Who may not put anything into a repository, or see what he marks, does neither.
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    assert_eq!(ada.post(MARKS, mark.clone()).await?.status(), 403);
    let role = json!({"role": "ansible.ansiblerepository_owner", "users": ["ada"]});
    let other = api.ansible_repository("other").await?;
    let reply = api
        .post(&format!("{}add_role/", href(&other)), role)
        .await?;
    assert_eq!(reply.status(), 201);
    let mut unseen = mark;
    unseen["repository"] = other["pulp_href"].clone();
    let reply = ada.post(MARKS, unseen).await?;
    ensure!(!reply.errors_of("marked_collection")?.is_empty(), "{reply}");
    Ok(())
}

async fn a_signature_is_uploaded_beside_its_collection(test: Test) -> Result<()> {
    const SIGNATURES: &str = "/content/ansible/collection_signatures/";
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let unit = api
        .upload_collection(&Collection::new("zoo", "owls", "1.0.0"), Some(&repository))
        .await?;
    let form = |signed: &str, text: &str| {
        Form::new()
            .file("file", "MANIFEST.json.asc", text.as_bytes())
            .text("signed_collection", signed)
            .text("repository", &href(&repository))
    };
    let signed = href(&unit);
    let reply = api.post_form(SIGNATURES, form(&signed, SIGNATURE)).await?;
    let task = api.finish(reply).await?.completed()?;
    let signature = task.created_one("/collection_signatures/")?;
    let signature = api.get(&signature).await?.ok()?;
    for (field, expected) in [
        ("namespace", "zoo"),
        ("name", "owls"),
        ("version", "1.0.0"),
        ("sha256", text(&unit["sha256"])),
        ("data", SIGNATURE),
        ("digest", &sha256_hex(SIGNATURE.as_bytes())),
        ("pubkey_fingerprint", &"AB".repeat(20)),
    ] {
        assert_eq!(signature[field], expected, "{field}");
    }
    let units = api
        .ansible_units(&repository, "collection_signatures")
        .await?;
    assert_eq!(units.len(), 1);
    // It leads to what is signed, and is found by that.
    assert_eq!(units[0]["signed_collection"], signed);
    assert_eq!(units[0]["signing_service"], Value::Null);
    assert_eq!(signature["signed_collection"], signed);
    let other = href(&signature);
    for (filter, count) in [
        (format!("signed_collection={signed}"), 1),
        (format!("signed_collection__in={other},{signed}"), 1),
        (format!("q=signed_collection={signed}"), 1),
        (format!("q=NOT signed_collection={signed}"), 0),
        (format!("signed_collection={other}"), 0),
    ] {
        let found = api.list(&format!("{SIGNATURES}?{filter}")).await?;
        assert_eq!(found.len(), count, "{filter}");
    }
    let wrong = format!("{SIGNATURES}?signed_collection=owls");
    assert_eq!(api.get(&wrong).await?.status(), 400);
    let left_out = api
        .list(&format!("{SIGNATURES}?exclude_fields=signed_collection"))
        .await?;
    assert_eq!(left_out[0].get("signed_collection"), None);
    // Who may not see the collection is not told where it is.
    let other = api.ansible_repository("signatures").await?;
    api.modify(&other, json!({"add_content_units": [href(&signature)]}))
        .await?;
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let role = json!({"role": "ansible.ansiblerepository_viewer", "users": ["ada"]});
    let add = |repository: &Value| format!("{}add_role/", text(&repository["pulp_href"]));
    api.post(&add(&other), role.clone()).await?.json(201)?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let seen = ada.list(SIGNATURES).await?;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["signed_collection"], Value::Null);
    let by_address = format!("{SIGNATURES}?signed_collection={signed}");
    assert_eq!(ada.list(&by_address).await?.len(), 0);
    api.post(&add(&repository), role).await?.json(201)?;
    assert_eq!(ada.list(SIGNATURES).await?[0]["signed_collection"], signed);
    assert_eq!(ada.list(&by_address).await?.len(), 1);
    let reply = api
        .post_form(SIGNATURES, form(&signed, "no signature"))
        .await?;
    let task = api.finish(reply).await?;
    ensure!(task.failure()?.contains("must be armored"), "{task:?}");
    for (wrong, said) in [
        (href(&signature), "Object does not exist"),
        (href(&repository), "names another kind of resource"),
        ("owls".to_owned(), "is neither a path below"),
    ] {
        let reply = api.post_form(SIGNATURES, form(&wrong, SIGNATURE)).await?;
        let errors = reply.errors_of("signed_collection")?;
        ensure!(errors[0].contains(said), "{errors:?}");
    }
    Ok(())
}
