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
    users_are_made_and_disabled_from_the_command_line,
);

without_a_database!(
    the_help_names_the_commands,
    a_wrong_flag_is_explained,
    a_wrong_address_is_explained,
    a_taken_port_is_explained,
    a_wrong_database_is_explained,
    a_data_folder_that_cannot_be_is_explained,
    a_wrong_setting_is_explained,
    a_used_data_folder_is_explained,
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
    let mut server = test.start().await?;
    server.stop().await?;
    let output = server.run(&["doctor", "--listen", "127.0.0.1:0"]).await?;
    assert!(output.status.success(), "{}", said(&output));
    let report = said(&output);
    for word in ["database", "data directory", "plugins"] {
        assert!(report.contains(word), "{word}: {report}");
    }
    Ok(())
}

async fn a_password_is_set_from_the_command_line(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    server.stop().await?;
    let output = server
        .run_with_input(&["user", "password", "admin"], "another-password-1\n")
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
        .run_with_input(&["user", "password", "admin"], "another-password-1\n")
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

async fn users_are_made_and_disabled_from_the_command_line(test: Test) -> Result<()> {
    let server = test.start().await?;
    let create = ["user", "create", "ada", "--admin"];
    let output = server.run_with_input(&create, "adas-password-1\n").await?;
    assert!(output.status.success(), "{}", said(&output));
    let ada = server.api().with_password("ada", "adas-password-1");
    assert_eq!(ada.get("/users/").await?.status(), 200);
    let output = server.run(&["user", "list"]).await?;
    assert!(said(&output).contains("ada"), "{}", said(&output));
    assert!(
        server
            .run(&["user", "disable", "ada"])
            .await?
            .status
            .success()
    );
    assert_eq!(
        ada.get("/users/").await?.status(),
        401,
        "on the next request"
    );
    assert!(
        server
            .run(&["user", "enable", "ada"])
            .await?
            .status
            .success()
    );
    assert_eq!(ada.get("/users/").await?.status(), 200);
    for wrong in [&["user", "disable", "nobody"][..], &create] {
        let output = server.run_with_input(wrong, "adas-password-1\n").await?;
        assert!(!output.status.success(), "{wrong:?}: {}", said(&output));
    }
    let output = server
        .run_with_input(&["user", "create", "bob"], "short\n")
        .await?;
    assert!(!output.status.success(), "{}", said(&output));
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

async fn a_wrong_setting_is_explained(test: Test) -> Result<()> {
    let file = test.path("pith.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:0\"\n")?;
    let said = refusal(&test, &["--config", &file.display().to_string()]).await?;
    assert!(said.contains("lisen"), "{said}");
    let absent = test.path("absent.toml").display().to_string();
    let said = refusal(&test, &["--config", &absent]).await?;
    assert!(said.contains(&absent), "{said}");
    Ok(())
}

async fn a_used_data_folder_is_explained(test: Test) -> Result<()> {
    let server = test.start().await?;
    let place = server.data_directory().display().to_string();
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
