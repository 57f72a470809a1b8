//! Who is asking: Basic, token and session, and how each of them ends.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use pith_tests::{Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

/// Readable by the administrator.
const PRIVATE: &str = "/repositories/file/file/";
/// Readable by any user.
const WHO_AM_I: &str = "/login/";

on_both_databases!(
    a_wrong_password_is_refused,
    a_token_is_as_good_as_a_password,
    a_made_up_token_is_refused,
    a_revoked_token_is_refused_at_once,
    a_verified_password_is_not_hashed_again,
    a_session_needs_its_csrf_token_to_write,
    a_session_ends_with_logging_out,
    a_changed_password_is_refused_at_once,
    users_change_their_own_password_but_not_their_rights,
    trying_passwords_costs_no_memory,
    a_disabled_user_is_refused_at_once,
    a_deleted_user_is_refused_at_once,
    malformed_credentials_are_no_server_error,
    passwords_and_tokens_are_never_shown_or_logged,
);

async fn new_user(server: &TestServer, name: &str, password: &str) -> Result<Value> {
    let user = json!({"username": name, "password": password});
    server.api().create("/users/", user).await
}

async fn a_wrong_password_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    assert_eq!(server.api().get(PRIVATE).await?.status(), 200);
    for (user, password) in [("admin", "wrong"), ("nobody", "password"), ("admin", "")] {
        let reply = server
            .api()
            .with_password(user, password)
            .get(PRIVATE)
            .await?;
        let document = reply.json(401)?;
        assert!(document["detail"].is_string(), "{document}");
        assert!(
            reply.header("www-authenticate").starts_with("Basic"),
            "{reply}"
        );
    }
    // What was right before is still right after.
    assert_eq!(server.api().get(PRIVATE).await?.status(), 200);
    Ok(())
}

async fn a_token_is_as_good_as_a_password(test: Test) -> Result<()> {
    let server = test.start().await?;
    let token = server.new_token().await?;
    let api = server.api().with_token(&token);
    assert_eq!(api.get(PRIVATE).await?.status(), 200);
    api.file_repository("made with a token").await?;
    let other = server.new_token().await?;
    assert_ne!(token, other);
    assert_eq!(
        api.get(PRIVATE).await?.status(),
        200,
        "an older token stays"
    );
    Ok(())
}

async fn a_made_up_token_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let token = server.new_token().await?;
    let shortened = &token[..token.len() - 1];
    for made_up in ["", "x", shortened, &format!("{token}0")] {
        let reply = server.api().with_token(made_up).get(PRIVATE).await?;
        assert_eq!(reply.status(), 401, "{made_up:?}: {reply}");
    }
    Ok(())
}

async fn a_revoked_token_is_refused_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let token = server
        .api()
        .create("/tokens/", json!({"name": "short-lived"}))
        .await?;
    let api = server.api().with_token(text(&token["token"]));
    assert_eq!(api.get(PRIVATE).await?.status(), 200);
    assert_eq!(server.api().delete(&href(&token)).await?.status(), 204);
    assert_eq!(api.get(PRIVATE).await?.status(), 401);
    Ok(())
}

async fn a_verified_password_is_not_hashed_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let started = Instant::now();
    for _ in 0..400 {
        server.api().get(PRIVATE).await?.ok()?;
    }
    // To hash a password takes 20 milliseconds and more; to ask the database, one.
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}

async fn a_session_needs_its_csrf_token_to_write(test: Test) -> Result<()> {
    let server = test.start().await?;
    let session = server.api().log_in().await?;
    let me = session.get("/login/").await?.ok()?;
    assert_eq!(me["username"], "admin");
    session.file_repository("with the header").await?;
    let forged = session.without_csrf_token();
    assert_eq!(forged.get(PRIVATE).await?.status(), 200);
    let reply = forged.post(PRIVATE, json!({"name": "without"})).await?;
    let document = reply.json(403)?;
    assert!(text(&document["detail"]).contains("CSRF"), "{document}");
    assert_eq!(
        session
            .list(&format!("{PRIVATE}?name=without"))
            .await?
            .len(),
        0
    );
    Ok(())
}

async fn a_session_ends_with_logging_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    let session = server.api().log_in().await?;
    let reply = session.delete("/login/").await?;
    assert_eq!(reply.status(), 204, "{reply}");
    // The cookies are still sent, but they open nothing.
    let status = session.get(PRIVATE).await?.status();
    assert!(matches!(status, 401 | 403), "{status}");
    Ok(())
}

async fn a_changed_password_is_refused_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let user = new_user(&server, "ada", "first-password-1").await?;
    let ada = server.api().with_password("ada", "first-password-1");
    let session = ada.log_in().await?;
    assert_eq!(ada.get(WHO_AM_I).await?.status(), 200);
    assert_eq!(session.get(WHO_AM_I).await?.status(), 200);
    let change = json!({"password": "second-password-2"});
    assert_eq!(
        server.api().patch(&href(&user), change).await?.status(),
        200
    );
    assert_eq!(ada.get(WHO_AM_I).await?.status(), 401);
    assert_ne!(
        session.get(WHO_AM_I).await?.status(),
        200,
        "a session does not outlive it"
    );
    let ada = server.api().with_password("ada", "second-password-2");
    assert_eq!(ada.get(WHO_AM_I).await?.status(), 200);
    Ok(())
}

async fn users_change_their_own_password_but_not_their_rights(test: Test) -> Result<()> {
    let server = test.start().await?;
    new_user(&server, "alice", "the first of them").await?;
    let alice = server.api().with_password("alice", "the first of them");
    for (change, field) in [
        (
            json!({"new_password": "the second of them"}),
            "old_password",
        ),
        (
            json!({"new_password": "the second of them", "old_password": "wrong"}),
            "old_password",
        ),
        (
            json!({"new_password": "", "old_password": "the first of them"}),
            "new_password",
        ),
        (json!({"is_staff": true}), "is_staff"),
        (json!({"is_superuser": true}), "is_superuser"),
        (json!({"is_active": false}), "is_active"),
        (json!({"username": "al ice"}), "username"),
        (json!({"username": "admin"}), "username"),
    ] {
        let reply = alice.patch(WHO_AM_I, change).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    assert_eq!(alice.get("/users/").await?.status(), 403);
    let change = json!({
        "new_password": "the second of them", "old_password": "the first of them",
        "first_name": "Alice",
    });
    let shown = alice.patch(WHO_AM_I, change).await?.ok()?;
    let expected = json!({
        "username": "alice", "first_name": "Alice", "last_name": "", "email": "",
    });
    assert_eq!(shown, expected);
    assert_eq!(alice.get(WHO_AM_I).await?.status(), 401);
    let alice = server.api().with_password("alice", "the second of them");
    assert_eq!(alice.get(WHO_AM_I).await?.status(), 200);
    Ok(())
}

async fn trying_passwords_costs_no_memory(test: Test) -> Result<()> {
    let server = test.start().await?;
    new_user(&server, "mallory", "the first of them").await?;
    let mallory = &server.api().with_password("mallory", "the first of them");
    assert_eq!(mallory.get(WHO_AM_I).await?.status(), 200);
    let peak = server.peak_memory_mib()?;
    let tries = (0..300).map(async |number: usize| {
        let change = json!({
            "new_password": "the second of them", "old_password": format!("guess {number}"),
        });
        let reply = mallory.patch(WHO_AM_I, change).await?;
        anyhow::Ok(reply.status())
    });
    let statuses = try_join_all(tries).await?;
    assert!(
        statuses.iter().all(|status| [400, 429].contains(status)),
        "{statuses:?}"
    );
    // Each that is hashed takes 19 MiB.
    let more = server.peak_memory_mib()? - peak;
    assert!(more < 150, "{more} MiB");
    assert_eq!(mallory.get(WHO_AM_I).await?.status(), 200);
    Ok(())
}

async fn a_disabled_user_is_refused_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let user = new_user(&server, "bob", "bobs-password-1").await?;
    let bob = server.api().with_password("bob", "bobs-password-1");
    let session = bob.log_in().await?;
    assert_eq!(bob.get(WHO_AM_I).await?.status(), 200);
    let disable = json!({"is_active": false});
    assert_eq!(
        server.api().patch(&href(&user), disable).await?.status(),
        200
    );
    assert_eq!(bob.get(WHO_AM_I).await?.status(), 401);
    assert_ne!(session.get(WHO_AM_I).await?.status(), 200);
    Ok(())
}

async fn a_deleted_user_is_refused_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let user = new_user(&server, "eve", "eves-password-1").await?;
    let eve = server.api().with_password("eve", "eves-password-1");
    assert_eq!(eve.get(WHO_AM_I).await?.status(), 200);
    assert_eq!(server.api().delete(&href(&user)).await?.status(), 204);
    assert_eq!(eve.get(WHO_AM_I).await?.status(), 401);
    Ok(())
}

async fn malformed_credentials_are_no_server_error(test: Test) -> Result<()> {
    let server = test.start().await?;
    let nobody = server.api().anonymous();
    let long = format!("Basic {}", "QUFB".repeat(5000));
    for value in [
        "Basic",
        "Basic !!!",
        "Basic YWRtaW4",
        "Basic //79",
        "Bearer",
        "Nonsense x",
        &long,
    ] {
        let reply = nobody
            .get_with(PRIVATE, &[("authorization", value)])
            .await?;
        assert!((400..500).contains(&reply.status()), "{value:?}: {reply}");
    }
    Ok(())
}

async fn passwords_and_tokens_are_never_shown_or_logged(test: Test) -> Result<()> {
    let server = test.start().await?;
    let user = new_user(&server, "carol", "carols-own-password-9").await?;
    assert!(user.get("password").is_none(), "{user}");
    let token = server.new_token().await?;
    server.api().with_token(&token).get(PRIVATE).await?.ok()?;
    let carol = server.api().with_password("carol", "carols-own-password-9");
    carol.get(WHO_AM_I).await?.ok()?;
    let shown = server.api().get("/users/").await?.text();
    let log = server.log()?;
    for secret in ["carols-own-password-9", token.as_str()] {
        assert!(!shown.contains(secret), "a secret is shown");
        assert!(!log.contains(secret), "a secret is in the log");
    }
    assert!(!shown.contains("$argon2"), "a hash is shown");
    Ok(())
}
