//! The command line for people: verbs against a running server, over its API.

mod completion;
mod connection;
mod content;
mod copy;
mod login;
mod plugin;
mod publish;
mod reference;
mod resource;
mod sync;
mod table;
mod task;
mod upload;
mod wait;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::client::connection::Server;
use crate::client::login::Login;
use crate::client::table::Output;

/// Where the server is, who asks, and how the answer looks.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    login: Login,
    #[command(flatten)]
    output: Output,
}

impl Common {
    fn server(&self) -> anyhow::Result<Server> {
        Server::connect(&self.login.settle()?)
    }
}

/// What can be done with a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a remote into a repository.
    Sync(sync::Arguments),
    /// Upload files as content.
    Upload(upload::Arguments),
    /// Copy content from one repository to another.
    Copy(copy::Arguments),
    /// Make a publication of a repository.
    Publish(publish::Arguments),
    /// Look at tasks, wait for them, call them off.
    Task(task::Arguments),
    /// Look at content.
    Content(content::Arguments),
    /// Make and change repositories.
    Repository(resource::Repositories),
    /// Make and change remotes.
    Remote(resource::Remotes),
    /// Make and change distributions.
    Distribution(resource::Distributions),
    /// Check, load and remove plugins.
    Plugin(plugin::Arguments),
    /// Print what a shell needs to complete this command.
    Completion(completion::Arguments),
}

/// Runs a command.
pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sync(arguments) => sync::run(arguments).await,
        Command::Upload(arguments) => upload::run(arguments).await,
        Command::Copy(arguments) => copy::run(arguments).await,
        Command::Publish(arguments) => publish::run(arguments).await,
        Command::Task(arguments) => task::run(arguments).await,
        Command::Content(arguments) => content::run(arguments).await,
        Command::Repository(arguments) => resource::repositories(arguments).await,
        Command::Remote(arguments) => resource::remotes(arguments).await,
        Command::Distribution(arguments) => resource::distributions(arguments).await,
        Command::Plugin(arguments) => plugin::run(arguments).await,
        Command::Completion(arguments) => Ok(completion::run(&arguments)),
    }
}
