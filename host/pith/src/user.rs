//! `pith user …`, and the first user.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use pith_db::user::{self, Settings, User};
use pith_db::{Connection, Database, Transaction};

use crate::config::Config;
use crate::open;

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a user.
    Create {
        /// The name to log in with.
        name: String,
        /// May do everything.
        #[arg(long)]
        admin: bool,
    },
    /// Change a password. It is asked for, or read from standard input.
    Password {
        /// Whose.
        name: String,
    },
    /// Let a user in no more.
    Disable {
        /// Whom.
        name: String,
    },
    /// Let a user in again.
    Enable {
        /// Whom.
        name: String,
    },
    /// List the users.
    List,
}

/// Shorter ones are guessed.
const LEAST_PASSWORD: usize = 8;

/// Runs a command beside, or without, a running server; which notices at once.
pub(crate) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = open::database(config).await?;
    let mut transaction = database.write_durably().await?;
    match command {
        Command::Create { name, admin } => create(&mut transaction, name, admin).await?,
        Command::Password { name } => {
            let found = find(&mut transaction, &name).await?;
            let hash = hash(&ask()?)?;
            user::set_password(&mut transaction, found.id, &hash).await?;
            println!("the password of {name} is changed");
        }
        Command::Disable { name } => set_active(&mut transaction, &name, false).await?,
        Command::Enable { name } => set_active(&mut transaction, &name, true).await?,
        Command::List => list(&mut transaction).await?,
    }
    transaction.commit().await?;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn create(transaction: &mut Transaction, name: String, admin: bool) -> anyhow::Result<()> {
    ensure!(
        user::by_name(transaction, &name).await?.is_none(),
        "there is a user {name} already"
    );
    let hash = hash(&ask()?)?;
    let settings = Settings {
        username: name.clone(),
        is_superuser: admin,
        is_active: true,
        ..Settings::default()
    };
    user::insert(transaction, &settings, Some(&hash)).await?;
    println!("made the user {name}");
    Ok(())
}

async fn set_active(transaction: &mut Transaction, name: &str, active: bool) -> anyhow::Result<()> {
    let found = find(transaction, name).await?;
    let settings = Settings {
        username: found.username,
        first_name: found.first_name,
        last_name: found.last_name,
        email: found.email,
        is_superuser: found.is_superuser,
        is_staff: found.is_staff,
        is_active: active,
    };
    user::update(transaction, found.id, &settings).await?;
    println!("{name} is {}", if active { "enabled" } else { "disabled" });
    Ok(())
}

async fn list(transaction: &mut Transaction) -> anyhow::Result<()> {
    let everybody = pith_db::list::Selection {
        limit: i64::from(u32::MAX),
        ..Default::default()
    };
    for one in pith_db::list::records::<User>(transaction, &everybody).await? {
        let kind = if one.is_superuser { "admin" } else { "user" };
        let state = if one.is_active { "" } else { "  disabled" };
        println!("{:<30} {kind}{state}", one.username);
    }
    Ok(())
}

async fn find(connection: &mut Connection, name: &str) -> anyhow::Result<User> {
    user::by_name(connection, name)
        .await?
        .with_context(|| format!("there is no user {name}"))
}

/// Asks at a terminal, or reads a line of standard input.
fn ask() -> anyhow::Result<String> {
    use std::io::IsTerminal as _;
    let password = if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ")?;
        if password != rpassword::prompt_password("Again: ")? {
            bail!("the two passwords are not the same");
        }
        password
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    ensure!(
        password.chars().count() >= LEAST_PASSWORD,
        "the password must have at least {LEAST_PASSWORD} characters"
    );
    Ok(password)
}

fn hash(password: &str) -> anyhow::Result<String> {
    pith_http::password::hash(password).context("the password could not be hashed")
}

/// Makes the user `admin` where there is no user at all. A password that nobody gave is
/// made up and printed, this once.
pub(crate) async fn ensure_admin(
    database: &Database,
    password: Option<&str>,
) -> anyhow::Result<()> {
    let mut connection = database.read().await?;
    if user::any(&mut connection).await? {
        return Ok(());
    }
    drop(connection);
    let (password, made_up) = match password {
        Some(password) => (password.to_owned(), false),
        None => (made_up_password()?, true),
    };
    let hash = hash(&password)?;
    let mut transaction = database.write_durably().await?;
    let settings = Settings {
        username: "admin".to_owned(),
        is_superuser: true,
        is_active: true,
        ..Settings::default()
    };
    match user::insert(&mut transaction, &settings, Some(&hash)).await {
        Ok(_) => transaction.commit().await?,
        // Another server started at the same moment.
        Err(pith_db::Error::Unique(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    if made_up {
        println!("made the user admin with the password {password} (it is not shown again)");
    }
    Ok(())
}

/// 26 letters and digits without those that look alike: 130 bits.
fn made_up_password() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 26];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}
