//! Which operations fail, and how that is written.

use std::str::FromStr;
use std::time::Duration;

/// Which operations fail. Written as a list such as `enospc-after=1048576,eio-rename=3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// `enospc-after=<bytes>`: the disk is full after so many bytes.
    pub enospc_after: Option<u64>,
    /// `eio-write=<n>`: the n-th write fails, counted from 1.
    pub eio_write: Option<u64>,
    /// `eio-rename=<n>`: the n-th naming of a file fails.
    pub eio_rename: Option<u64>,
    /// `eio-sync=<n>`: the n-th sync fails, whether of a file, a folder or the file system. What it
    /// should have saved is lost, though a later sync succeeds: so does a real disk.
    pub eio_sync: Option<u64>,
    /// `slow-sync=<milliseconds>`: every sync takes so much longer.
    pub slow_sync: Duration,
}

/// Why a text does not describe faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The name before `=` is not that of a fault.
    #[error(
        "{0:?} is not a fault: expected enospc-after, eio-write, eio-rename, eio-sync or slow-sync, each with =<number>"
    )]
    Name(String),
    /// What follows `=` is not a number.
    #[error("{name} needs a whole number, not {value:?}")]
    Number {
        /// The fault.
        name: String,
        /// What was written.
        value: String,
    },
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut faults = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| FaultError::Name(part.to_owned()))?;
            let number = value.parse().map_err(|_| FaultError::Number {
                name: name.to_owned(),
                value: value.to_owned(),
            });
            match name {
                "enospc-after" => faults.enospc_after = Some(number?),
                "eio-write" => faults.eio_write = Some(number?),
                "eio-rename" => faults.eio_rename = Some(number?),
                "eio-sync" => faults.eio_sync = Some(number?),
                "slow-sync" => faults.slow_sync = Duration::from_millis(number?),
                _ => return Err(FaultError::Name(name.to_owned())),
            }
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_a_list() {
        let faults: Faults = "enospc-after=1048576, eio-sync=2,slow-sync=50"
            .parse()
            .unwrap();
        let expected = Faults {
            enospc_after: Some(1 << 20),
            eio_sync: Some(2),
            slow_sync: Duration::from_millis(50),
            ..Faults::default()
        };
        assert_eq!(faults, expected);
        assert_eq!("".parse(), Ok(Faults::default()));
    }

    #[test]
    fn a_wrong_fault_says_what_was_expected() {
        let message = |text: &str| text.parse::<Faults>().unwrap_err().to_string();
        assert!(message("eio-read=1").starts_with("\"eio-read\" is not a fault: expected"));
        assert!(message("eio-sync").starts_with("\"eio-sync\" is not a fault: expected"));
        assert_eq!(
            message("eio-sync=often"),
            "eio-sync needs a whole number, not \"often\""
        );
    }
}
