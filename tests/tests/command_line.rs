//! The command line: what it does, and what it says when it cannot.

use std::process::Output;

use anyhow::Result;
use pith_tests::{Test, on_both_databases, without_a_database};

on_both_databases!(
    the_doctor_finds_nothing_wrong,
    a_password_is_set_from_the_command_line,
    a_running_server_notices_a_password_set_beside_it,
    the_administrator_is_made_once,
    a_migration_can_come_first,
);

without_a_database!(
    the_help_names_the_commands,
    a_wrong_flag_is_explained,
    a_wrong_address_is_explained,
    a_taken_port_is_explained,
    a_wrong_database_is_explained,
    a_data_folder_that_cannot_be_is_explained,
    a_generated_password_is_printed_once,
);

/// What a command said, and that it said it without a panic.
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("panicked at"), "{text}");
    text
}

async fn the_doctor_finds_nothing_wrong(test: Test) -> Result<()> {
    let server = test.start().await?;
    let output = server.run(&["doctor"]).await?;
    assert!(output.status.success(), "{}", said(&output));
    let report = said(&output);
    for word in ["database", "file"] {
        assert!(report.to_lowercase().contains(word), "{word}: {report}");
    }
    Ok(())
}

async fn a_password_is_set_from_the_command_line(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    server.stop().await?;
    let output = server
        .run_with_environment(
            &["user", "password", "admin"],
            &[("PITH_PASSWORD", "another-password-1")],
        )
        .await?;
    assert!(output.status.success(), "{}", said(&output));
    server.restart().await?;
    let path = "/repositories/file/file/";
    assert_eq!(
        server.api().get(path).await?.status(),
        401,
        "the first start is over"
    );
    let admin = server.api().with_password("admin", "another-password-1");
    assert_eq!(admin.get(path).await?.status(), 200);
    Ok(())
}

async fn a_running_server_notices_a_password_set_beside_it(test: Test) -> Result<()> {
    let server = test.start().await?;
    let path = "/repositories/file/file/";
    assert_eq!(server.api().get(path).await?.status(), 200);
    let output = server
        .run_with_environment(
            &["user", "password", "admin"],
            &[("PITH_PASSWORD", "another-password-1")],
        )
        .await?;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        server.api().get(path).await?.status(),
        401,
        "on the next request"
    );
    Ok(())
}

async fn the_administrator_is_made_once(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    server.stop().await?;
    server.restart().await?;
    let users = server.api().list("/users/").await?;
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(users[0]["username"], "admin");
    Ok(())
}

async fn a_migration_can_come_first(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    server.api().file_repository("before").await?;
    server.stop().await?;
    for _ in 0..2 {
        let output = server.run(&["migrate"]).await?;
        assert!(output.status.success(), "{}", said(&output));
    }
    server.restart().await?;
    assert_eq!(
        server.api().list("/repositories/file/file/").await?.len(),
        1
    );
    Ok(())
}

async fn the_help_names_the_commands(_: Test) -> Result<()> {
    let output = pith_tests::run_binary(&["--help"]).await?;
    assert!(output.status.success());
    for command in ["serve", "user", "doctor", "migrate"] {
        assert!(
            said(&output).contains(command),
            "{command}: {}",
            said(&output)
        );
    }
    let output = pith_tests::run_binary(&["--version"]).await?;
    assert!(said(&output).starts_with("pith "), "{}", said(&output));
    Ok(())
}

/// Starts a server that cannot start, and gives what it says.
async fn refusal(test: &Test, arguments: &[&str]) -> Result<String> {
    let data = test.path("data");
    let mut all = vec!["serve", "--data-dir", data.to_str().unwrap_or_default()];
    all.extend(arguments);
    let output = pith_tests::run_binary(&all).await?;
    assert!(!output.status.success(), "it started: {}", said(&output));
    Ok(said(&output))
}

async fn a_wrong_flag_is_explained(test: Test) -> Result<()> {
    let said = refusal(&test, &["--lisen", "127.0.0.1:0"]).await?;
    assert!(said.contains("--lisen"), "{said}");
    Ok(())
}

async fn a_wrong_address_is_explained(test: Test) -> Result<()> {
    let said = refusal(&test, &["--listen", "nowhere"]).await?;
    assert!(said.contains("nowhere"), "{said}");
    Ok(())
}

async fn a_taken_port_is_explained(test: Test) -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let said = refusal(&test, &["--listen", &address]).await?;
    assert!(said.contains(&address), "{said}");
    Ok(())
}

async fn a_wrong_database_is_explained(test: Test) -> Result<()> {
    let listen = ["--listen", "127.0.0.1:0", "--database-url"];
    for url in [
        "mysql://127.0.0.1/pith",
        "postgres://pith:hidden-word@127.0.0.1:1/pith",
        "x",
    ] {
        let said = refusal(&test, &[&listen[..], &[url]].concat()).await?;
        assert!(said.contains("database"), "{url}: {said}");
        assert!(!said.contains("hidden-word"), "a password is shown: {said}");
    }
    Ok(())
}

async fn a_data_folder_that_cannot_be_is_explained(test: Test) -> Result<()> {
    let file = test.path("a-file");
    std::fs::write(&file, "not a folder")?;
    let place = file.join("data").display().to_string();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &place];
    let output = pith_tests::run_binary(&arguments).await?;
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&place), "{}", said(&output));
    Ok(())
}

async fn a_generated_password_is_printed_once(test: Test) -> Result<()> {
    let mut server = test.server().without_password().start().await?;
    let password = server.printed_password()?;
    let admin = server.api().with_password("admin", &password);
    assert_eq!(admin.get("/users/").await?.status(), 200);
    server.stop().await?;
    server.restart().await?;
    let log = server.log()?;
    assert_eq!(log.matches(&password).count(), 1, "{log}");
    Ok(())
}
