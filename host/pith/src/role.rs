//! `pith role …`: which roles there are, and who has them.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use pith_db::list::{Selection, records};
use pith_db::object::Object;
use pith_db::role::{self, Role};
use pith_db::role_assignment::{self, Holder};
use pith_db::{Connection, Transaction, group, user};

use crate::config::Config;
use crate::open;

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the roles.
    List,
    /// Say what a role allows.
    Show {
        /// For example `file.filerepository_owner`.
        role: String,
    },
    /// Give a role to a user or a group.
    Give(Gift),
    /// Take a role from a user or a group.
    Take(Gift),
}

/// A role, whose it is, and what for.
#[derive(Debug, Args)]
pub(crate) struct Gift {
    /// For example `file.filerepository_creator`.
    role: String,
    /// The user.
    #[arg(long, conflicts_with = "group", required_unless_present = "group")]
    user: Option<String>,
    /// Instead of a user: the group.
    #[arg(long)]
    group: Option<String>,
    /// The one object that it is for, by its href or PRN; all objects without.
    #[arg(long)]
    object: Option<String>,
}

/// Runs a command beside, or without, a running server; which notices at once.
pub(crate) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = open::database(config).await?;
    let mut transaction = database.write_durably().await?;
    match command {
        Command::List => list(&mut transaction).await?,
        Command::Show { role } => show(&mut transaction, &role).await?,
        Command::Give(gift) => give(&mut transaction, &gift).await?,
        Command::Take(gift) => take(&mut transaction, &gift).await?,
    }
    transaction.commit().await?;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(transaction: &mut Transaction) -> anyhow::Result<()> {
    let mut selection = Selection {
        conditions: vec![role::listed()],
        limit: i64::from(u32::MAX),
        ..Selection::default()
    };
    selection.order.push(("ro.name".to_owned(), false));
    for one in records::<Role>(transaction, &selection).await? {
        let kind = if one.locked { "locked" } else { "custom" };
        println!("{:<40} {kind}", one.name);
    }
    Ok(())
}

async fn show(transaction: &mut Transaction, name: &str) -> anyhow::Result<()> {
    let found = find(transaction, name).await?;
    for (_, permission) in role::permissions(transaction, &[found.id]).await? {
        println!("{permission}");
    }
    Ok(())
}

async fn find(connection: &mut Connection, name: &str) -> anyhow::Result<Role> {
    role::by_name(connection, name)
        .await?
        .with_context(|| format!("there is no role {name}; `pith role list` shows all"))
}

impl Gift {
    /// Whose it is, and how he is called.
    async fn holder(&self, connection: &mut Connection) -> anyhow::Result<(Holder, &str)> {
        match (&self.user, &self.group) {
            (Some(name), _) => {
                let found = user::by_name(connection, name).await?;
                let found = found.with_context(|| format!("there is no user {name}"))?;
                Ok((Holder::User(found.id), name))
            }
            (None, Some(name)) => {
                let found = group::by_name(connection, name).await?;
                let found = found.with_context(|| format!("there is no group {name}"))?;
                Ok((Holder::Group(found.id), name))
            }
            (None, None) => bail!("say to whom: --user or --group"),
        }
    }

    async fn object(&self, connection: &mut Connection) -> anyhow::Result<Option<Object>> {
        let Some(text) = &self.object else {
            return Ok(None);
        };
        let found = Object::by_text(connection, text).await?;
        found
            .map(Some)
            .with_context(|| format!("{text} names nothing that roles can be given for"))
    }
}

async fn give(transaction: &mut Transaction, gift: &Gift) -> anyhow::Result<()> {
    let role = find(transaction, &gift.role).await?;
    let object = gift.object(transaction).await?;
    let (holder, name) = gift.holder(transaction).await?;
    let has = role_assignment::exists(transaction, role.id, holder, object.as_ref()).await?;
    ensure!(!has, "{name} has the role {} already", role.name);
    role_assignment::insert(transaction, role.id, holder, object.as_ref()).await?;
    println!("{name} has the role {}", role.name);
    Ok(())
}

async fn take(transaction: &mut Transaction, gift: &Gift) -> anyhow::Result<()> {
    let role = find(transaction, &gift.role).await?;
    let object = gift.object(transaction).await?;
    let (holder, name) = gift.holder(transaction).await?;
    let had = role_assignment::remove(transaction, role.id, holder, object.as_ref()).await?;
    ensure!(had, "{name} has no role {}", role.name);
    println!("{name} has the role {} no more", role.name);
    Ok(())
}
