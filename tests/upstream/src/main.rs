//! Serves a directory over HTTP on loopback until it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Parser;
use pith_fixture_upstream::Upstream;

/// Serves a directory, and the repositories that tests and measurements want.
#[derive(Debug, Parser)]
#[command(name = "fixture-upstream")]
struct Arguments {
    /// What to serve at `/`.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(directory) = &arguments.directory {
        ensure!(
            directory.is_dir(),
            "there is no directory {}",
            directory.display()
        );
    }
    let upstream = Upstream::start_at(arguments.listen, arguments.directory).await?;
    println!("listening on {}", upstream.url(""));
    upstream.serve_forever().await;
    Ok(())
}
