//! Where packages are below the root of a publication.

use crate::fragments;

/// The folder of all packages.
const FOLDER: &str = "Packages";

/// Of the checksum, in a path.
const DIGITS: usize = 6;

/// A way of laying packages out, as Pulp calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `Packages/a/a-1-1.noarch.rpm`: what units have themselves.
    NestedAlphabetically,
    /// `Packages/a-1-1.noarch.rpm`
    Flat,
    /// `Packages/a/by-digest/012345-a-1-1.noarch.rpm`
    NestedByDigest,
}

impl Layout {
    pub(crate) const ALL: [Self; 3] =
        [Self::NestedAlphabetically, Self::Flat, Self::NestedByDigest];

    /// As settings name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NestedAlphabetically => "nested_alphabetically",
            Self::Flat => "flat",
            Self::NestedByDigest => "nested_by_digest",
        }
    }

    /// The layout of a name; that of units where there is none.
    pub(crate) fn of(name: Option<&str>) -> Self {
        let found = Self::ALL.into_iter().find(|one| name == Some(one.name()));
        found.unwrap_or(Self::NestedAlphabetically)
    }

    /// The piece of XML that has a package's location.
    pub(crate) fn fragment(self) -> &'static str {
        match self {
            Self::NestedAlphabetically => fragments::LOCATION,
            Self::Flat => fragments::LOCATION_FLAT,
            Self::NestedByDigest => fragments::LOCATION_BY_DIGEST,
        }
    }

    /// Where a package is.
    pub(crate) fn path(self, file_name: &str, checksum: &str) -> String {
        let initial = file_name.chars().next().unwrap_or('_');
        let initial = initial.to_lowercase();
        match self {
            Self::NestedAlphabetically => format!("{FOLDER}/{initial}/{file_name}"),
            Self::Flat => format!("{FOLDER}/{file_name}"),
            Self::NestedByDigest => {
                let digits = &checksum[..checksum.len().min(DIGITS)];
                format!("{FOLDER}/{initial}/by-digest/{digits}-{file_name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_has_its_paths() {
        let path = |name| Layout::of(name).path("Zoo-1-1.src.rpm", "0123456789ab");
        assert_eq!(path(None), "Packages/z/Zoo-1-1.src.rpm");
        assert_eq!(path(Some("flat")), "Packages/Zoo-1-1.src.rpm");
        assert_eq!(
            path(Some("nested_by_digest")),
            "Packages/z/by-digest/012345-Zoo-1-1.src.rpm"
        );
        assert_eq!(Layout::Flat.path("a", ""), "Packages/a");
    }
}
