//! Pith: a content repository server whose content types are WebAssembly components.

mod allocator;
mod client;
mod config;
mod data_directory;
mod doctor;
mod group;
mod logging;
mod open;
mod plugins;
mod role;
mod serve;
mod signing_service;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pith_plugin::{Allocation, compile};

use crate::config::{Config, Flags};

/// A content repository server in one binary.
#[derive(Debug, Parser)]
#[command(name = "pith", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    Serve(Flags),
    /// Make and change users.
    User {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: user::Command,
    },
    /// Make and change groups of users.
    Group {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: group::Command,
    },
    /// See roles, give them and take them.
    Role {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: role::Command,
    },
    /// Add and remove programs that sign what is published.
    SigningService {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: signing_service::Command,
    },
    /// Say whether this machine and these settings can run the server.
    Doctor(Flags),
    /// Compile a plugin from standard input: the server starts this for itself.
    #[command(hide = true)]
    Compile {
        /// Where the server's instances get their memory from.
        #[arg(value_parser = allocation)]
        allocation: Allocation,
    },
    /// Bring the database to the shape that this program expects, and stop.
    Migrate(Flags),
    #[command(flatten)]
    Client(client::Command),
}

fn main() -> ExitCode {
    allocator::give_back_soon();
    allocator::keep_to_small_pages();
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pith: {}", words(&error));
            ExitCode::FAILURE
        }
    }
}

fn allocation(word: &str) -> Result<Allocation, String> {
    Allocation::named(word).ok_or_else(|| "no such allocation".to_owned())
}

/// The error and its causes, without those that another one has told already.
fn words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another provider of TLS was installed before"))?;
    match command {
        Command::Client(command) => {
            // One request at a time: one thread does.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(client::run(command))
        }
        Command::Serve(flags) => on_server(&flags, async |config| serve::run(config).await),
        Command::User { flags, command } => {
            on_server(&flags, async |config| user::run(config, command).await)
        }
        Command::Group { flags, command } => {
            on_server(&flags, async |config| group::run(config, command).await)
        }
        Command::Role { flags, command } => {
            on_server(&flags, async |config| role::run(config, command).await)
        }
        Command::SigningService { flags, command } => on_server(&flags, async |config| {
            signing_service::run(config, command).await
        }),
        Command::Compile { allocation } => {
            compile::confine();
            compile::answer(allocation, std::io::stdin(), std::io::stdout().lock())
        }
        Command::Doctor(flags) => on_server(&flags, async |config| doctor::run(config).await),
        Command::Migrate(flags) => on_server(&flags, async |config| open::migrate(config).await),
    }
}

/// Runs what is the server, or works on its data.
fn on_server(
    flags: &Flags,
    work: impl AsyncFnOnce(&Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let config = config::load(flags)?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work(&config))
}
