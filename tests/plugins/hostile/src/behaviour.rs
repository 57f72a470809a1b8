//! The ways to misbehave, by the names that a task's parameters use.

use serde::{Deserialize, Serialize};

/// What a sync does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Behaviour {
    /// Stages `count` things and adds them: the one that does no harm.
    Ok,
    /// Never returns and calls nobody.
    Loop,
    /// Allocates until there is no more.
    Memory,
    Panic,
    /// Executes the instruction that always traps, without a panic before.
    Trap,
    /// Calls itself without end.
    Stack,
    /// Adds references that it was never given.
    ForgedRef,
    /// Stages a thing whose name is a number.
    BadFields,
    /// Stages a thing whose fields are not JSON.
    BadJson,
    /// Stages an artifact outside the repository's root.
    BadPath,
    /// Recalls a thing by nothing.
    NoKey,
    /// Recalls one thing more than may be asked for at once.
    RecallTooMany,
    /// Recalls what nobody has, and another plugin's.
    RecallElsewhere,
    /// Opens `url`, which lies elsewhere than the remote.
    OtherOrigin,
    /// Stages `count` things in full batches and adds none.
    Flood,
    /// Stages one draft more than a batch may have.
    TooMany,
    /// Writes 10,000 lines of 1 MB into the log.
    LogFlood,
    /// Reports progress a million times.
    ProgressFlood,
    /// Reads the remote byte by byte.
    SleeplessRead,
    /// Stages `count` things of which each needs two others, and adds them: harmless too.
    Tree,
    /// Writes the things of the version anew, each needing itself: harmless too.
    Renew,
    /// The same with other names.
    RenewRekeyed,
    /// Renews a thing that it was never given.
    RenewForged,
    /// Renews one thing more than may be at once.
    RenewTooMany,
}

impl Behaviour {
    pub(crate) const ALL: [Self; 24] = [
        Self::Ok,
        Self::Loop,
        Self::Memory,
        Self::Panic,
        Self::Trap,
        Self::Stack,
        Self::ForgedRef,
        Self::BadFields,
        Self::BadJson,
        Self::BadPath,
        Self::NoKey,
        Self::RecallTooMany,
        Self::RecallElsewhere,
        Self::OtherOrigin,
        Self::Flood,
        Self::TooMany,
        Self::LogFlood,
        Self::ProgressFlood,
        Self::SleeplessRead,
        Self::Tree,
        Self::Renew,
        Self::RenewRekeyed,
        Self::RenewForged,
        Self::RenewTooMany,
    ];
}
