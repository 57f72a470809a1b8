//! Row numbers, one type a table, so that one cannot be taken for another.
//!
//! They never leave the server: what a client sees is the row's UUID.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A unit of content.
    UnitId,
    /// Stored bytes.
    ArtifactId,
    /// A repository.
    RepositoryId,
    /// A repository version (the row, not its number within the repository).
    VersionId,
    /// A remote.
    RemoteId,
    /// A publication.
    PublicationId,
    /// A distribution.
    DistributionId,
    /// A task.
    TaskId,
    /// A server process.
    WorkerId,
    /// A file that comes in chunks.
    UploadId,
    /// A program that signs.
    SigningServiceId,
    /// A user; the one number that clients do see (`users/1/`), as in Pulp.
    UserId,
}
