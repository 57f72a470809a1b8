//! `pith group …`: groups of users.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use pith_db::group::{self, Group};
use pith_db::list::{Selection, records};
use pith_db::user::{self, User};
use pith_db::{Connection, Transaction};

use crate::config::Config;
use crate::open;

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a group.
    Create {
        /// Its name.
        name: String,
    },
    /// Remove a group.
    Delete {
        /// Its name.
        name: String,
    },
    /// Take a user into a group.
    Add {
        /// The group.
        name: String,
        /// The user.
        user: String,
    },
    /// Take a user out of a group.
    Remove {
        /// The group.
        name: String,
        /// The user.
        user: String,
    },
    /// List the groups and who is in them.
    List,
}

/// Runs a command beside, or without, a running server; which notices at once.
pub(crate) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = open::database(config).await?;
    let mut transaction = database.write_durably().await?;
    match command {
        Command::Create { name } => {
            let known = group::by_name(&mut transaction, &name).await?;
            ensure!(known.is_none(), "there is a group {name} already");
            group::insert(&mut transaction, &name).await?;
            println!("made the group {name}");
        }
        Command::Delete { name } => {
            let found = find(&mut transaction, &name).await?;
            group::delete(&mut transaction, found.id).await?;
            println!("removed the group {name}");
        }
        Command::Add { name, user } => {
            let found = find(&mut transaction, &name).await?;
            let member = find_user(&mut transaction, &user).await?;
            group::add(&mut transaction, found.id, member.id).await?;
            println!("{user} is in {name}");
        }
        Command::Remove { name, user } => {
            let found = find(&mut transaction, &name).await?;
            let member = find_user(&mut transaction, &user).await?;
            group::remove(&mut transaction, found.id, member.id).await?;
            println!("{user} is not in {name}");
        }
        Command::List => list(&mut transaction).await?,
    }
    transaction.commit().await?;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(transaction: &mut Transaction) -> anyhow::Result<()> {
    let everything = Selection {
        limit: i64::from(u32::MAX),
        ..Selection::default()
    };
    let users = records::<User>(transaction, &everything).await?;
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let memberships = group::of_users(transaction, &ids).await?;
    for one in records::<Group>(transaction, &everything).await? {
        let members = memberships.iter().filter(|(_, group)| group.id == one.id);
        let names: Vec<&str> = members
            .filter_map(|(id, _)| users.iter().find(|user| user.id == *id))
            .map(|user| user.username.as_str())
            .collect();
        println!("{:<30} {}", one.name, names.join(" "));
    }
    Ok(())
}

async fn find(connection: &mut Connection, name: &str) -> anyhow::Result<Group> {
    group::by_name(connection, name)
        .await?
        .with_context(|| format!("there is no group {name}"))
}

async fn find_user(connection: &mut Connection, name: &str) -> anyhow::Result<User> {
    user::by_name(connection, name)
        .await?
        .with_context(|| format!("there is no user {name}"))
}
