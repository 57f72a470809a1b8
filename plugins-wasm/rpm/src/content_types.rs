//! The content types with their fields, as the API shows them.

use pith_plugin_sdk::content_type::{
    Field, Kind, flag, integer, list, maybe_flag, maybe_integer, maybe_list, maybe_text, number,
    object, text,
};
use pith_plugin_sdk::{ArtifactCount, ContentType};

use crate::{order, references};

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

fn package() -> Kind<'static> {
    let keys = order::KEYS.map(|key| Field::with_schema(key, order::property(key)).optional());
    let mut package = Kind {
        name: crate::PACKAGE,
        plural: "packages",
        model: "package",
        title: "RPM package",
        artifacts: ArtifactCount::One,
        fields: vec![
            text("name"),
            text("epoch"),
            text("version"),
            text("release"),
            text("arch"),
            text("pkgId"),
            text("checksum_type"),
            text("summary"),
            text("description").derived(),
            text("url"),
            list("changelogs").derived(),
            list("files").derived(),
            list("requires"),
            list("provides"),
            list("conflicts"),
            list("obsoletes"),
            list("suggests"),
            list("enhances"),
            list("recommends"),
            list("supplements"),
            text("location_base"),
            text("location_href"),
            text("rpm_buildhost"),
            text("rpm_group"),
            text("rpm_license"),
            text("rpm_packager"),
            text("rpm_sourcerpm"),
            text("rpm_vendor"),
            maybe_integer("rpm_header_start"),
            maybe_integer("rpm_header_end"),
            maybe_integer("size_archive"),
            maybe_integer("size_installed"),
            maybe_integer("size_package"),
            maybe_integer("time_build"),
            maybe_integer("time_file"),
            flag("is_modular"),
            maybe_list("signing_keys").optional().about(
                "Which keys its signatures say to be of; null where it was not looked into.",
            ),
            text("signing_key").alias_of("{signing_keys}"),
            text("filename").alias_of("{name}-{version}-{release}.{arch}.rpm"),
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
        references: references::of(crate::PACKAGE),
    };
    package.fields.extend(keys);
    package
}

fn advisory() -> Kind<'static> {
    Kind {
        name: crate::ADVISORY,
        plural: "advisories",
        model: "update_record",
        title: "Advisory",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("id"),
            maybe_text("updated_date"),
            text("description"),
            text("issued_date"),
            text("fromstr"),
            text("status"),
            text("title"),
            text("summary"),
            text("version"),
            text("type"),
            text("severity"),
            text("solution"),
            text("release"),
            text("rights"),
            text("pushcount"),
            list("pkglist"),
            list("references"),
            flag("reboot_suggested"),
            text("digest"),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        references: references::of(crate::ADVISORY),
    }
}

fn modulemd() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD,
        plural: "modulemds",
        model: "modulemd",
        title: "Module",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("name"),
            text("stream"),
            text("version"),
            maybe_flag("static_context"),
            text("context"),
            text("arch"),
            list("artifacts"),
            // The same, taken apart: by this the packages of a module are found.
            list("nevras"),
            list("packages")
                .link_of("nevras")
                .about("The packages that it names."),
            list("dependencies"),
            object("profiles"),
            text("description"),
            text("digest"),
            text("sha256").alias_of("{digest}"),
        ],
        natural_key: &["name", "stream", "version", "context", "arch", "digest"],
        repository_key: &["name", "stream", "version", "context", "arch"],
        indexed: &["name"],
        references: references::of(crate::MODULEMD),
    }
}

fn modulemd_defaults() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD_DEFAULTS,
        plural: "modulemd_defaults",
        model: "modulemddefaults",
        title: "Module defaults",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("module"),
            text("stream"),
            object("profiles"),
            text("digest"),
            text("sha256").alias_of("{digest}"),
        ],
        natural_key: &["digest"],
        repository_key: &["module"],
        indexed: &["module"],
        references: references::of(crate::MODULEMD_DEFAULTS),
    }
}

fn modulemd_obsolete() -> Kind<'static> {
    Kind {
        name: crate::MODULEMD_OBSOLETE,
        plural: "modulemd_obsoletes",
        model: "modulemdobsolete",
        title: "Module obsoletes",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("modified"),
            text("module_name"),
            text("module_stream"),
            text("message"),
            maybe_text("override_previous"),
            maybe_text("module_context"),
            maybe_text("eol_date"),
            maybe_text("obsoleted_by_module_name"),
            maybe_text("obsoleted_by_module_stream"),
            text("digest"),
        ],
        natural_key: &["digest"],
        repository_key: &["modified", "module_name", "module_stream", "module_context"],
        indexed: &["module_name"],
        references: references::of(crate::MODULEMD_OBSOLETE),
    }
}

fn package_group() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_GROUP,
        plural: "packagegroups",
        model: "package_group",
        title: "Package group",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("id"),
            flag("default"),
            flag("user_visible"),
            maybe_integer("display_order"),
            text("name"),
            text("description"),
            list("packages"),
            flag("biarch_only"),
            object("desc_by_lang"),
            object("name_by_lang"),
            text("digest"),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        references: references::of(crate::PACKAGE_GROUP),
    }
}

fn package_category() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_CATEGORY,
        plural: "packagecategories",
        model: "package_category",
        title: "Package category",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("id"),
            text("name"),
            text("description"),
            maybe_integer("display_order"),
            list("group_ids"),
            object("desc_by_lang"),
            object("name_by_lang"),
            text("digest"),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        references: references::of(crate::PACKAGE_CATEGORY),
    }
}

fn package_environment() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_ENVIRONMENT,
        plural: "packageenvironments",
        model: "package_environment",
        title: "Package environment",
        artifacts: ArtifactCount::None,
        fields: vec![
            text("id"),
            text("name"),
            text("description"),
            maybe_integer("display_order"),
            list("group_ids"),
            list("option_ids"),
            object("desc_by_lang"),
            object("name_by_lang"),
            text("digest"),
        ],
        natural_key: &["digest"],
        repository_key: &["id"],
        indexed: &["id"],
        references: references::of(crate::PACKAGE_ENVIRONMENT),
    }
}

fn package_langpacks() -> Kind<'static> {
    Kind {
        name: crate::PACKAGE_LANGPACKS,
        plural: "packagelangpacks",
        model: "package_langpacks",
        title: "Language packs",
        artifacts: ArtifactCount::None,
        fields: vec![Field::of("matches", &["array", "object"]), text("digest")],
        natural_key: &["digest"],
        repository_key: &[],
        indexed: &[],
        references: references::of(crate::PACKAGE_LANGPACKS),
    }
}

fn repo_metadata_file() -> Kind<'static> {
    Kind {
        name: crate::REPO_METADATA_FILE,
        plural: "repo_metadata_files",
        model: "repometadatafile",
        title: "Repository metadata file",
        artifacts: ArtifactCount::One,
        fields: vec![
            text("data_type"),
            text("checksum_type"),
            text("checksum"),
            text("relative_path"),
            integer("size"),
            maybe_text("open_checksum"),
            maybe_integer("open_size"),
        ],
        natural_key: &["data_type", "checksum", "relative_path"],
        repository_key: &["data_type"],
        indexed: &[],
        references: references::of(crate::REPO_METADATA_FILE),
    }
}

fn distribution_tree() -> Kind<'static> {
    Kind {
        name: crate::DISTRIBUTION_TREE,
        plural: "distribution_trees",
        model: "distribution_tree",
        title: "Distribution tree",
        artifacts: ArtifactCount::Many,
        fields: vec![
            text("header_version"),
            text("release_name"),
            text("release_short"),
            text("release_version"),
            flag("release_is_layered"),
            maybe_text("base_product_name"),
            maybe_text("base_product_short"),
            maybe_text("base_product_version"),
            text("arch"),
            number("build_timestamp"),
            maybe_text("instimage"),
            maybe_text("mainimage"),
            maybe_integer("discnum"),
            maybe_integer("totaldiscs"),
            list("addons"),
            list("checksums"),
            list("images"),
            list("variants"),
            text("digest"),
            // The same in all: a version has one tree.
            text("root"),
            list("repositories"),
        ],
        natural_key: &["digest"],
        repository_key: &["root"],
        indexed: &[],
        references: references::of(crate::DISTRIBUTION_TREE),
    }
}
