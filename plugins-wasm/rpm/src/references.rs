//! Which units refer to which: a copy brings along what they name.

use pith_plugin_sdk::{Reference, ReferenceKey};

use crate::{ADVISORY, MODULEMD, PACKAGE, PACKAGE_CATEGORY, PACKAGE_ENVIRONMENT, PACKAGE_GROUP};

const NEVRA: &[(&str, &str)] = &[
    ("name", "name"),
    ("epoch", "epoch"),
    ("version", "version"),
    ("release", "release"),
    ("arch", "arch"),
];

const GROUPS: &[(&str, &str)] = &[("name", "id")];

/// What the units of a content type refer to.
pub(crate) fn of(content_type: &str) -> Vec<Reference> {
    match content_type {
        ADVISORY => vec![reference("pkglist.packages", PACKAGE, NEVRA)],
        MODULEMD => vec![reference("nevras", PACKAGE, NEVRA)],
        PACKAGE_GROUP => vec![reference("packages", PACKAGE, &[("name", "name")])],
        PACKAGE_CATEGORY => vec![reference("group_ids", PACKAGE_GROUP, GROUPS)],
        PACKAGE_ENVIRONMENT => ["group_ids", "option_ids"]
            .map(|field| reference(field, PACKAGE_GROUP, GROUPS))
            .into(),
        _ => Vec::new(),
    }
}

/// The keys are pairs of a property of the one and a field of the other.
fn reference(field: &str, target: &str, keys: &[(&str, &str)]) -> Reference {
    let key = |&(property, field): &(&str, &str)| ReferenceKey {
        property: property.into(),
        field: field.into(),
    };
    Reference {
        field: field.into(),
        target: target.into(),
        keys: keys.iter().map(key).collect(),
    }
}
