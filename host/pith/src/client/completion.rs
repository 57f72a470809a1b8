//! `pith completion SHELL`.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Which shell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell; its own manual says where the text belongs.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut command = crate::Arguments::command();
    clap_complete::generate(
        arguments.shell,
        &mut command,
        "pith",
        &mut std::io::stdout(),
    );
    ExitCode::SUCCESS
}
