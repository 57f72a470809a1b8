//! A program that signs with a key of its own, as an administrator would write it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A key of `gpg` and a program that signs with it; both are gone when this is dropped.
#[derive(Debug)]
pub struct Signer {
    // Below the folder for temporary files itself: the agent's socket wants a short path.
    home: PathBuf,
}

impl Signer {
    /// Makes a key.
    pub async fn new() -> Result<Self> {
        Self::with("ed25519").await
    }

    /// Makes a key of a kind that `gpg` knows, such as `rsa2048`.
    pub async fn with(kind: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pith-gpg-{}-{number}", std::process::id());
        let signer = Self {
            home: std::env::temp_dir().join(name),
        };
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&signer.home)?;
        let key = [
            "--passphrase",
            "",
            "--quick-gen-key",
            "zoo@example.org",
            kind,
        ];
        signer.gpg(&key).await?;
        let armored = signer.gpg(&["--armor", "--export"]).await?;
        std::fs::write(signer.public_key(), armored.stdout)?;
        signer.write_script(
            "gpg --homedir \"$home\" --batch --yes --quiet --armor --detach-sign --output \"$1.asc\" \"$1\" &&\n\
             printf '{\"file\": \"%s\", \"signature\": \"%s.asc\", \"key\": \"%s\"}' \"$1\" \"$1\" \"$home/key.asc\"",
        )?;
        Ok(signer)
    }

    /// What `gpg` does with this key.
    pub async fn gpg(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(&self.home);
        command.args(["--batch", "--quiet"]).args(arguments);
        let output = command.output().await.context("gpg must be installed")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gpg {arguments:?}: {complaint}");
        Ok(output)
    }

    /// Where `gpg` keeps the key.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the public key is.
    pub fn public_key(&self) -> PathBuf {
        self.home.join("key.asc")
    }

    /// Where the program is.
    pub fn script(&self) -> PathBuf {
        self.home.join("sign.sh")
    }

    /// Lets the program do something else; `$home` is the folder of the key.
    pub fn write_script(&self, lines: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let home = self.home.display();
        let text = format!("#!/bin/sh\nhome={home}\n{lines}\n");
        // Renamed into place: a program that is being written cannot be run.
        let new = self.home.join("new");
        std::fs::write(&new, text)?;
        std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755))?;
        Ok(std::fs::rename(new, self.script())?)
    }

    /// Whether a signature fits a text, by this key.
    pub async fn verify(&self, folder: &Path, text: &[u8], signature: &[u8]) -> Result<()> {
        let (file, detached) = (folder.join("text"), folder.join("text.asc"));
        std::fs::write(&file, text)?;
        std::fs::write(&detached, signature)?;
        let name = |path: &Path| path.to_str().map(str::to_owned).context("UTF-8");
        self.gpg(&["--verify", &name(&detached)?, &name(&file)?])
            .await?;
        Ok(())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        // The agent notices that its folder is gone and ends.
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
