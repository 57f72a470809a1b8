//! `pith signing-service …`: programs of this host that sign what is published.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use pith_content::signing::check;
use pith_db::Transaction;
use pith_db::signing_service::{self, SigningService};

use crate::config::Config;
use crate::open;

/// What can be done with signing services.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a program that signs. It is called with the path of a file and prints JSON:
    /// {"file": PATH, "signature": PATH, "key": PATH}, or, if it writes signatures into
    /// packages, `{"rpm_package": PATH}`. It is tried first.
    Add {
        /// What repositories call it.
        name: String,
        /// The program.
        script: PathBuf,
        /// The key as `gpg` knows it here: a fingerprint, an identifier or an address. If no
        /// key is given, the program must name its public key.
        #[arg(conflicts_with = "public_key")]
        key: Option<String>,
        /// Where `gpg` keeps its keys.
        #[arg(long, value_name = "DIRECTORY", requires = "key")]
        gnupghome: Option<PathBuf>,
        /// Another keyring of `gpg`.
        #[arg(long, value_name = "FILE", requires = "key")]
        keyring: Option<PathBuf>,
        /// The public key in ASCII armor.
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// A file of the kind that the program writes signatures into, to try it with: a
        /// package. Without it the program is tried for signatures beside a file.
        #[arg(long, value_name = "FILE")]
        sample: Option<PathBuf>,
    },
    /// Remove a program. Whatever would be signed by it fails from then on.
    Remove {
        /// Which.
        name: String,
    },
    /// List the programs.
    List,
}

/// Runs a command beside, or without, a running server; which notices at once.
pub(crate) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add {
            name,
            script,
            key,
            gnupghome,
            keyring,
            public_key,
            sample,
        } => {
            let key = match (key, public_key) {
                (Some(key), _) => {
                    Some(check::export(&key, gnupghome.as_deref(), keyring.as_deref()).await?)
                }
                (None, Some(file)) => Some(
                    std::fs::read_to_string(&file)
                        .with_context(|| format!("the key {} cannot be read", file.display()))?,
                ),
                (None, None) => None,
            };
            add(config, name, &script, key, sample.as_deref()).await
        }
        Command::Remove { name } => {
            change(config, async |transaction| remove(transaction, &name).await).await
        }
        Command::List => change(config, async |transaction| list(transaction).await).await,
    }
}

async fn add(
    config: &Config,
    name: String,
    script: &Path,
    key: Option<String>,
    sample: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    ensure!(!name.trim().is_empty(), "the name is empty");
    let script = std::fs::canonicalize(script)
        .with_context(|| format!("the program {} cannot be found", script.display()))?;
    let path = script
        .to_str()
        .context("the path of the program is not UTF-8")?;
    let checked = match (sample, key) {
        (Some(sample), Some(key)) => check::check_writing(&script, key, sample).await,
        (Some(_), None) => bail!("a program that writes signatures into files needs a key"),
        (None, key) => check::check(&script, key).await,
    };
    let checked = checked.with_context(|| format!("{path} was not added"))?;
    change(config, async |transaction| {
        let there = signing_service::by_name(transaction, &name).await?;
        ensure!(there.is_none(), "there is a signing service {name} already");
        let (key, fingerprint) = (&checked.public_key, &checked.fingerprint);
        signing_service::insert(transaction, &name, path, key, fingerprint).await?;
        println!("added the signing service {name} with the key {fingerprint}");
        Ok(())
    })
    .await
}

async fn remove(transaction: &mut Transaction, name: &str) -> anyhow::Result<()> {
    let found = signing_service::by_name(transaction, name)
        .await?
        .with_context(|| format!("there is no signing service {name}"))?;
    signing_service::delete(transaction, found.id).await?;
    println!("removed the signing service {name}");
    Ok(())
}

async fn list(transaction: &mut Transaction) -> anyhow::Result<()> {
    let all = pith_db::list::Selection {
        limit: i64::from(u32::MAX),
        ..Default::default()
    };
    for one in pith_db::list::records::<SigningService>(transaction, &all).await? {
        println!(
            "{:<30} {}  {}",
            one.name, one.pubkey_fingerprint, one.script
        );
    }
    Ok(())
}

async fn change(
    config: &Config,
    work: impl AsyncFnOnce(&mut Transaction) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let database = open::database(config).await?;
    let mut transaction = database.write_durably().await?;
    work(&mut transaction).await?;
    transaction.commit().await?;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
