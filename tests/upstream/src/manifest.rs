//! `PULP_MANIFEST`: one line a file, of path, sha256 and size.

use std::fmt::{self, Display, Formatter};

use sha2::{Digest, Sha256};

/// The sha256 of bytes, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// One line of a manifest. The size is text, since a test may want a wrong one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLine {
    /// Relative to the manifest.
    pub path: String,
    /// In hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: String,
}

impl ManifestLine {
    /// The line that describes these bytes.
    pub fn of(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self {
            path: path.into(),
            sha256: sha256_hex(bytes),
            size: bytes.len().to_string(),
        }
    }
}

impl Display for ManifestLine {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{},{},{}", self.path, self.sha256, self.size)
    }
}

/// The lines of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub Vec<ManifestLine>);

impl Manifest {
    /// Reads what [`Display`] writes.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        text.lines()
            .map(|line| {
                // A path may hold commas; digest and size do not.
                let mut words = line.rsplitn(3, ',');
                match (words.next(), words.next(), words.next()) {
                    (Some(size), Some(sha256), Some(path)) => Ok(ManifestLine {
                        path: path.to_owned(),
                        sha256: sha256.to_owned(),
                        size: size.to_owned(),
                    }),
                    _ => anyhow::bail!("not a line of a manifest: {line:?}"),
                }
            })
            .collect::<anyhow::Result<Vec<_>>>()
            .map(Self)
    }

    /// The same lines in the order of their paths.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|one, other| one.path.cmp(&other.path));
        self
    }
}

impl Display for Manifest {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| line.fmt(formatter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let manifest = Manifest(vec![
            ManifestLine::of("b,c.txt", b"two"),
            ManifestLine::of("a.txt", b"one"),
        ]);
        let read = Manifest::parse(&manifest.to_string()).expect("a manifest");
        assert_eq!(read, manifest);
        assert_eq!(read.sorted().0[0].path, "a.txt");
        assert!(Manifest::parse("no commas").is_err());
    }
}
