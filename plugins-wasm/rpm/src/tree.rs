//! Distribution trees: what a `.treeinfo` says of an installable tree.

use pith_plugin_sdk::{Error, Result, relative_path};
use serde::Serialize;

use crate::ini::Ini;

/// Where a tree is in its repository: there is one in each.
const ROOT: &str = ".";

/// A tree, with the names that the API has for everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Tree {
    pub(crate) header_version: String,
    pub(crate) release_name: String,
    pub(crate) release_short: String,
    pub(crate) release_version: String,
    pub(crate) release_is_layered: bool,
    pub(crate) base_product_name: Option<String>,
    pub(crate) base_product_short: Option<String>,
    pub(crate) base_product_version: Option<String>,
    pub(crate) arch: String,
    pub(crate) build_timestamp: f64,
    pub(crate) instimage: Option<String>,
    pub(crate) mainimage: Option<String>,
    pub(crate) discnum: Option<i64>,
    pub(crate) totaldiscs: Option<i64>,
    pub(crate) addons: Vec<Addon>,
    pub(crate) checksums: Vec<Checksum>,
    pub(crate) images: Vec<Image>,
    pub(crate) variants: Vec<Variant>,
    /// Of the `.treeinfo` and of what the repositories below list.
    pub(crate) digest: String,
    pub(crate) root: String,
    /// Repositories below this one, by their paths.
    pub(crate) repositories: Vec<String>,
}

/// What a kickstart may add.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Addon {
    #[serde(rename = "addon_id")]
    pub(crate) id: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) packages: String,
}

/// A file and its checksum: `sha256:…`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Checksum {
    pub(crate) path: String,
    pub(crate) checksum: String,
}

/// A bootable file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) platforms: String,
}

/// A part of a release.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Variant {
    #[serde(rename = "variant_id")]
    pub(crate) id: String,
    pub(crate) uid: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) packages: String,
    pub(crate) source_packages: Option<String>,
    pub(crate) source_repository: Option<String>,
    pub(crate) debug_packages: Option<String>,
    pub(crate) debug_repository: Option<String>,
    pub(crate) identity: Option<String>,
}

/// Reads a `.treeinfo`.
pub(crate) fn read(text: &str) -> Result<Tree> {
    let ini = Ini::read(text);
    let get = |section: &str, key: &str| ini.get(section, key).map(str::to_owned);
    // Trees from before there was a header say the most important things in one section.
    let release = |key: &str, general: &str| {
        get("release", key)
            .or_else(|| get("product", key))
            .or_else(|| get("general", general))
            .unwrap_or_default()
    };
    let tree = |key: &str| get("tree", key).or_else(|| get("general", key));
    let arch = tree("arch").ok_or_else(|| Error::invalid("it names no architecture"))?;
    let stamp = get("tree", "build_timestamp").or_else(|| get("general", "timestamp"));
    let build_timestamp: f64 = match stamp.filter(|stamp| !stamp.is_empty()) {
        Some(stamp) => stamp.parse().ok().filter(|stamp: &f64| stamp.is_finite()),
        None => Some(0.0),
    }
    .ok_or_else(|| Error::invalid("its time is no number"))?;
    let number = |key: &str| get("media", key).and_then(|text| text.parse().ok());
    let mut found = Tree {
        header_version: get("header", "version").unwrap_or_else(|| "0.0".to_owned()),
        release_name: release("name", "family"),
        release_short: release("short", "family"),
        release_version: release("version", "version"),
        release_is_layered: get("release", "is_layered").is_some_and(|text| is_true(&text)),
        base_product_name: get("base_product", "name"),
        base_product_short: get("base_product", "short"),
        base_product_version: get("base_product", "version"),
        arch,
        build_timestamp,
        instimage: get("stage2", "instimage"),
        mainimage: get("stage2", "mainimage"),
        discnum: number("discnum"),
        totaldiscs: number("totaldiscs"),
        root: ROOT.to_owned(),
        ..Tree::default()
    };
    for (section, entries) in ini.sections() {
        let own = |key: &str| ini.get(section, key).map(str::to_owned);
        let word = |key: &str| own(key).unwrap_or_default();
        if section == "checksums" {
            found
                .checksums
                .extend(entries.iter().map(|(path, checksum)| Checksum {
                    path: path.clone(),
                    checksum: checksum.clone(),
                }));
        } else if let Some(platforms) = section.strip_prefix("images-") {
            found
                .images
                .extend(entries.iter().map(|(name, path)| Image {
                    name: name.clone(),
                    path: path.clone(),
                    platforms: platforms.to_owned(),
                }));
        } else if let Some(uid) = section.strip_prefix("addon-") {
            found.addons.push(Addon {
                id: own("id").unwrap_or_else(|| uid.to_owned()),
                uid: own("uid").unwrap_or_else(|| uid.to_owned()),
                name: word("name"),
                kind: own("type").unwrap_or_else(|| "addon".to_owned()),
                packages: word("packages"),
            });
            found.note_repository(own("repository"));
        } else if let Some(uid) = section.strip_prefix("variant-") {
            found.variants.push(Variant {
                id: own("id").unwrap_or_else(|| uid.to_owned()),
                uid: own("uid").unwrap_or_else(|| uid.to_owned()),
                name: word("name"),
                kind: own("type").unwrap_or_else(|| "variant".to_owned()),
                packages: word("packages"),
                source_packages: own("source_packages"),
                source_repository: own("source_repository"),
                debug_packages: own("debug_packages"),
                debug_repository: own("debug_repository"),
                identity: own("identity"),
            });
            found.note_repository(own("repository"));
        }
    }
    Ok(found)
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

impl Tree {
    /// Notes a repository below this one. The main one, and those elsewhere, are not.
    fn note_repository(&mut self, path: Option<String>) {
        let path = path.unwrap_or_default();
        let path = path.trim_start_matches("./").trim_matches('/');
        let is_below = path != ROOT && relative_path::check(path).is_ok();
        if is_below && !self.repositories.iter().any(|known| known == path) {
            self.repositories.push(path.to_owned());
        }
    }

    /// The files of the tree beside `.treeinfo`, each with its digest where one is told.
    pub(crate) fn files(&self) -> Vec<(&str, Option<&str>)> {
        let mut files: Vec<(&str, Option<&str>)> = Vec::new();
        let told = self.checksums.iter();
        let told = told.map(|one| (one.path.as_str(), Some(one.checksum.as_str())));
        let images = self.images.iter().map(|one| one.path.as_str());
        let stages = [&self.instimage, &self.mainimage].into_iter().flatten();
        let untold = images.chain(stages.map(String::as_str));
        for (path, digest) in told.chain(untold.map(|path| (path, None))) {
            // The indexes are made anew.
            let is_index = path.starts_with("repodata/");
            if !path.is_empty() && !is_index && !files.iter().any(|(known, _)| *known == path) {
                files.push((path, digest));
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREEINFO: &str = "\
[header]
type = productmd.treeinfo
version = 1.2
[release]
name = Zoo Linux
short = Zoo
version = 9.1
[tree]
arch = x86_64
build_timestamp = 1700000000.5
variants = Main
; who made it
[stage2]
mainimage = images/install.img
[media]
discnum = 1
totaldiscs = 1
[checksums]
images/Boot.iso = sha256:aa
repodata/repomd.xml = sha256:bb
[images-x86_64]
boot.iso = images/Boot.iso
kernel = images/vmlinuz
[variant-Main]
id = Main
uid = Main
name = Main
type = variant
packages = Packages
repository = .
[addon-Main-High]
id = High
uid = Main-High
name = High Availability
type = addon
packages = addons/High
repository = addons/High
[variant-Elsewhere]
repository = ../other
";

    #[test]
    fn a_tree_is_read() {
        let tree = read(TREEINFO).expect("a tree");
        assert_eq!(
            (tree.release_name.as_str(), tree.arch.as_str()),
            ("Zoo Linux", "x86_64")
        );
        assert!((tree.build_timestamp - 1_700_000_000.5).abs() < f64::EPSILON);
        assert_eq!((tree.discnum, tree.totaldiscs), (Some(1), Some(1)));
        assert_eq!(tree.repositories, ["addons/High"]);
        assert_eq!(tree.addons[0].id, "High");
        assert_eq!(tree.variants.len(), 2);
        assert_eq!(
            tree.files(),
            [
                ("images/Boot.iso", Some("sha256:aa")),
                ("images/vmlinuz", None),
                ("images/install.img", None),
            ]
        );
    }

    #[test]
    fn old_trees_say_it_in_one_section() {
        let text = "[general]\nfamily = Zoo\nversion = 5\narch = i386\ntimestamp = 1\n";
        let tree = read(text).expect("a tree");
        assert_eq!(tree.header_version, "0.0");
        assert_eq!(
            (tree.release_name.as_str(), tree.arch.as_str()),
            ("Zoo", "i386")
        );
        assert!(read("[general]\nfamily = Zoo\n").is_err());
        assert!(read("[tree]\narch = x\nbuild_timestamp = soon\n").is_err());
    }
}
