//! The names of the pieces that are kept beside units for publishing.

/// A package's element of `primary` before its location.
pub(crate) const HEAD: &str = "head";
/// The location where the package is published.
pub(crate) const LOCATION: &str = "location";
/// The same where packages are laid out flat.
pub(crate) const LOCATION_FLAT: &str = "location_flat";
/// The same where they are laid out by digest.
pub(crate) const LOCATION_BY_DIGEST: &str = "location_by_digest";
/// The element after its location.
pub(crate) const TAIL: &str = "tail";
/// A package's element of `filelists`.
pub(crate) const FILELISTS: &str = "filelists";
/// A package's element of `other`.
pub(crate) const OTHER: &str = "other";
/// The element or document of everything that is not a package.
pub(crate) const WHOLE: &str = "whole";
