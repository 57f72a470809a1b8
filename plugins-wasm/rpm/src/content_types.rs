//! The content types with their fields, as the API shows them.

use pith_plugin_sdk::{ArtifactCount, ContentType, schema};
use serde_json::{Map, Value, json};

use crate::{order, references};

/// A field and the JSON types that it may have.
type Fields<'a> = &'a [(&'a str, &'a [&'a str])];

const TEXT: &[&str] = &["string"];
const MAYBE_TEXT: &[&str] = &["string", "null"];
const NUMBER: &[&str] = &["number"];
const INTEGER: &[&str] = &["integer"];
const MAYBE_INTEGER: &[&str] = &["integer", "null"];
const FLAG: &[&str] = &["boolean"];
const LIST: &[&str] = &["array"];
const OBJECT: &[&str] = &["object"];
const LIST_OR_OBJECT: &[&str] = &["array", "object"];

struct Kind<'a> {
    name: &'a str,
    plural: &'a str,
    /// As Pulp calls its model, with underscores between its words where the name has none.
    model: &'a str,
    title: &'a str,
    artifacts: ArtifactCount,
    fields: Fields<'a>,
    natural_key: &'a [&'a str],
    repository_key: &'a [&'a str],
    indexed: &'a [&'a str],
    order_keys: &'a [&'a str],
}

/// All of them.
pub(crate) fn all() -> Vec<ContentType> {
    [
        package(),
        advisory(),
        modulemd(),
        modulemd_defaults(),
        modulemd_obsolete(),
        package_group(),
        package_category(),
        package_environment(),
        package_langpacks(),
        repo_metadata_file(),
        distribution_tree(),
    ]
    .into_iter()
    .map(Kind::describe)
    .collect()
}

impl Kind<'_> {
    fn describe(self) -> ContentType {
        let mut properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, types)| ((*name).to_owned(), property(types)))
            .collect();
        let order_keys = self.order_keys.iter();
        properties.extend(order_keys.map(|key| ((*key).to_owned(), order::property(key))));
        let required: Vec<&str> = self.fields.iter().map(|(name, _)| *name).collect();
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        ContentType {
            name: self.name.into(),
            plural: self.plural.into(),
            model: self.model.into(),
            title: self.title.into(),
            artifacts: self.artifacts,
            schema_version: 1,
            fields: schema::object(&Value::Object(properties), &required),
            natural_key: words(self.natural_key),
            repository_key: words(self.repository_key),
            indexed: words(self.indexed),
            references: references::of(self.name),
        }
    }
}

fn property(types: &[&str]) -> Value {
    match types {
        [one] => json!({ "type": one }),
        several => json!({ "type": several }),
    }
}

fn package() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE,
        plural: "packages",
        model: "package",
        title: "RPM package",
        artifacts: ArtifactCount::One,
        fields: &[
            ("name", TEXT),
            ("epoch", TEXT),
            ("version", TEXT),
            ("release", TEXT),
            ("arch", TEXT),
            ("pkgId", TEXT),
            ("checksum_type", TEXT),
            ("summary", TEXT),
            ("description", TEXT),
            ("url", TEXT),
            ("changelogs", LIST),
            ("files", LIST),
            ("requires", LIST),
            ("provides", LIST),
            ("conflicts", LIST),
            ("obsoletes", LIST),
            ("suggests", LIST),
            ("enhances", LIST),
            ("recommends", LIST),
            ("supplements", LIST),
            ("location_base", TEXT),
            ("location_href", TEXT),
            ("rpm_buildhost", TEXT),
            ("rpm_group", TEXT),
            ("rpm_license", TEXT),
            ("rpm_packager", TEXT),
            ("rpm_sourcerpm", TEXT),
            ("rpm_vendor", TEXT),
            ("rpm_header_start", MAYBE_INTEGER),
            ("rpm_header_end", MAYBE_INTEGER),
            ("size_archive", MAYBE_INTEGER),
            ("size_installed", MAYBE_INTEGER),
            ("size_package", MAYBE_INTEGER),
            ("time_build", MAYBE_INTEGER),
            ("time_file", MAYBE_INTEGER),
            ("is_modular", FLAG),
        ],
        natural_key: &[
            "name",
            "epoch",
            "version",
            "release",
            "arch",
            "checksum_type",
            "pkgId",
        ],
        repository_key: &["name", "epoch", "version", "release", "arch"],
        indexed: &["name", "pkgId"],
        order_keys: &order::KEYS,
    }
}

fn advisory() -> Kind<'static> {
    Kind {
        name: crate::ADVISORY,
        plural: "advisories",
        model: "update_record",
        title: "Advisory",
        artifacts: ArtifactCount::None,
        fields: &[
            ("id", TEXT),
            ("updated_date", TEXT),
            ("description", TEXT),
            ("issued_date", TEXT),
            ("fromstr", TEXT),
            ("status", TEXT),
            ("title", TEXT),
            ("summary", TEXT),
            ("version", TEXT),
            ("type", TEXT),
            ("severity", TEXT),
            ("solution", TEXT),
            ("release", TEXT),
            ("rights", TEXT),
            ("pushcount", TEXT),
            ("pkglist", LIST),
            ("references", LIST),
            ("reboot_suggested", FLAG),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        order_keys: &[],
    }
}

fn modulemd() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD,
        plural: "modulemds",
        model: "modulemd",
        title: "Module",
        artifacts: ArtifactCount::None,
        fields: &[
            ("name", TEXT),
            ("stream", TEXT),
            ("version", TEXT),
            ("static_context", FLAG),
            ("context", TEXT),
            ("arch", TEXT),
            ("artifacts", LIST),
            // The same, taken apart: by this the packages of a module are found.
            ("nevras", LIST),
            ("dependencies", LIST),
            ("profiles", OBJECT),
            ("description", TEXT),
            ("digest", TEXT),
        ],
        natural_key: &["name", "stream", "version", "context", "arch", "digest"],
        repository_key: &["name", "stream", "version", "context", "arch"],
        indexed: &["name"],
        order_keys: &[],
    }
}

fn modulemd_defaults() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD_DEFAULTS,
        plural: "modulemd_defaults",
        model: "modulemddefaults",
        title: "Module defaults",
        artifacts: ArtifactCount::None,
        fields: &[
            ("module", TEXT),
            ("stream", TEXT),
            ("profiles", OBJECT),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["module"],
        indexed: &["module"],
        order_keys: &[],
    }
}

fn modulemd_obsolete() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD_OBSOLETE,
        plural: "modulemd_obsoletes",
        model: "modulemdobsolete",
        title: "Module obsoletes",
        artifacts: ArtifactCount::None,
        fields: &[
            ("modified", TEXT),
            ("module_name", TEXT),
            ("module_stream", TEXT),
            ("message", TEXT),
            ("override_previous", MAYBE_TEXT),
            ("module_context", MAYBE_TEXT),
            ("eol_date", MAYBE_TEXT),
            ("obsoleted_by_module_name", MAYBE_TEXT),
            ("obsoleted_by_module_stream", MAYBE_TEXT),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["modified", "module_name", "module_stream", "module_context"],
        indexed: &["module_name"],
        order_keys: &[],
    }
}

fn package_group() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_GROUP,
        plural: "packagegroups",
        model: "package_group",
        title: "Package group",
        artifacts: ArtifactCount::None,
        fields: &[
            ("id", TEXT),
            ("default", FLAG),
            ("user_visible", FLAG),
            ("display_order", MAYBE_INTEGER),
            ("name", TEXT),
            ("description", TEXT),
            ("packages", LIST),
            ("biarch_only", FLAG),
            ("desc_by_lang", OBJECT),
            ("name_by_lang", OBJECT),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        order_keys: &[],
    }
}

fn package_category() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_CATEGORY,
        plural: "packagecategories",
        model: "package_category",
        title: "Package category",
        artifacts: ArtifactCount::None,
        fields: &[
            ("id", TEXT),
            ("name", TEXT),
            ("description", TEXT),
            ("display_order", MAYBE_INTEGER),
            ("group_ids", LIST),
            ("desc_by_lang", OBJECT),
            ("name_by_lang", OBJECT),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        order_keys: &[],
    }
}

fn package_environment() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_ENVIRONMENT,
        plural: "packageenvironments",
        model: "package_environment",
        title: "Package environment",
        artifacts: ArtifactCount::None,
        fields: &[
            ("id", TEXT),
            ("name", TEXT),
            ("description", TEXT),
            ("display_order", MAYBE_INTEGER),
            ("group_ids", LIST),
            ("option_ids", LIST),
            ("desc_by_lang", OBJECT),
            ("name_by_lang", OBJECT),
            ("digest", TEXT),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        order_keys: &[],
    }
}

fn package_langpacks() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_LANGPACKS,
        plural: "packagelangpacks",
        model: "package_langpacks",
        title: "Language packs",
        artifacts: ArtifactCount::None,
        fields: &[("matches", LIST_OR_OBJECT), ("digest", TEXT)],
        natural_key: &["digest"],
        repository_key: &[],
        indexed: &[],
        order_keys: &[],
    }
}

fn repo_metadata_file() -> Kind<'static> {
    Kind {
        name: crate::REPO_METADATA_FILE,
        plural: "repo_metadata_files",
        model: "repometadatafile",
        title: "Repository metadata file",
        artifacts: ArtifactCount::One,
        fields: &[
            ("data_type", TEXT),
            ("checksum_type", TEXT),
            ("checksum", TEXT),
            ("relative_path", TEXT),
            ("size", INTEGER),
            ("open_checksum", MAYBE_TEXT),
            ("open_size", MAYBE_INTEGER),
        ],
        natural_key: &["data_type", "checksum", "relative_path"],
        repository_key: &["data_type"],
        indexed: &[],
        order_keys: &[],
    }
}

fn distribution_tree() -> Kind<'static> {
    Kind {
        name: crate::DISTRIBUTION_TREE,
        plural: "distribution_trees",
        model: "distribution_tree",
        title: "Distribution tree",
        artifacts: ArtifactCount::Many,
        fields: &[
            ("header_version", TEXT),
            ("release_name", TEXT),
            ("release_short", TEXT),
            ("release_version", TEXT),
            ("release_is_layered", FLAG),
            ("base_product_name", MAYBE_TEXT),
            ("base_product_short", MAYBE_TEXT),
            ("base_product_version", MAYBE_TEXT),
            ("arch", TEXT),
            ("build_timestamp", NUMBER),
            ("instimage", MAYBE_TEXT),
            ("mainimage", MAYBE_TEXT),
            ("discnum", MAYBE_INTEGER),
            ("totaldiscs", MAYBE_INTEGER),
            ("addons", LIST),
            ("checksums", LIST),
            ("images", LIST),
            ("variants", LIST),
            ("digest", TEXT),
            // The same in all: a version has one tree.
            ("root", TEXT),
            ("repositories", LIST),
        ],
        natural_key: &["digest"],
        repository_key: &["root"],
        indexed: &[],
        order_keys: &[],
    }
}
