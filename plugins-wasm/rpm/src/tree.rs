//! Distribution trees: what a `.treeinfo` says of an installable tree.

use std::collections::HashMap;

use pith_plugin_sdk::{Error, Result, relative_path};
use serde::Serialize;

use crate::client_config;
use crate::ini::{Ini, Section};

/// Where a tree is in its repository: there is one in each.
const ROOT: &str = ".";

/// The largest known has some fifty.
const MAX_SECTIONS: usize = 1_000;

/// Each is asked for. The largest known tree has a dozen.
const MAX_REPOSITORIES: usize = 100;

/// Algorithms of checksums that the host can check, and how long those are.
const ALGORITHMS: [(&str, usize); 6] = [
    ("md5", 32),
    ("sha1", 40),
    ("sha224", 56),
    ("sha256", 64),
    ("sha384", 96),
    ("sha512", 128),
];

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
    /// What it says that is left out, in words.
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
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
    check_form(&ini)?;
    let get = |section: &str, key: &str| ini.get(section, key).map(str::to_owned);
    // Trees from before there was a header say the most important things in one section.
    let first =
        |places: &[(&str, &str)]| places.iter().find_map(|(section, key)| get(section, key));
    let release = |key: &str, general: &str| {
        first(&[("release", key), ("product", key), ("general", general)]).unwrap_or_default()
    };
    let arch = first(&[("tree", "arch"), ("general", "arch")])
        .ok_or_else(|| Error::invalid("it names no architecture"))?;
    let stamp = first(&[("tree", "build_timestamp"), ("general", "timestamp")]);
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
    for section in ini.sections() {
        found.read_section(section)?;
    }
    Ok(found)
}

/// Refuses what is something else, such as a page that says that nothing was found.
fn check_form(ini: &Ini) -> Result<()> {
    let count = ini.sections().len();
    if count == 0 {
        return Err(Error::invalid("it has no sections, as an INI file has"));
    }
    if count > MAX_SECTIONS {
        return Err(Error::limit(format!(
            "it has {count} sections; at most {MAX_SECTIONS} are read"
        )));
    }
    Ok(())
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

/// A checksum as the host takes it; none of a kind that it does not know.
fn digest(path: &str, checksum: &str) -> Result<Option<String>> {
    let (algorithm, hex) = checksum.split_once(':').unwrap_or_default();
    let Some((_, length)) = ALGORITHMS.iter().find(|(name, _)| *name == algorithm) else {
        return Ok(None);
    };
    if hex.len() != *length || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid(format!(
            "the checksum of {path:?} is none: a {algorithm} has {length} hexadecimal digits"
        )));
    }
    Ok(Some(checksum.to_ascii_lowercase()))
}

impl Tree {
    fn read_section(&mut self, section: &Section) -> Result<()> {
        let own = |key: &str| section.get(key).map(str::to_owned);
        let word = |key: &str| own(key).unwrap_or_default();
        let or = |key: &str, other: &str| own(key).unwrap_or_else(|| other.to_owned());
        if section.name() == "checksums" {
            let checksums = section.entries().map(|(path, checksum)| Checksum {
                path: path.to_owned(),
                checksum: checksum.to_owned(),
            });
            self.checksums.extend(checksums);
        } else if let Some(platforms) = section.name().strip_prefix("images-") {
            let images = section.entries().map(|(name, path)| Image {
                name: name.to_owned(),
                path: path.to_owned(),
                platforms: platforms.to_owned(),
            });
            self.images.extend(images);
        } else if let Some(uid) = section.name().strip_prefix("addon-") {
            self.addons.push(Addon {
                id: or("id", uid),
                uid: or("uid", uid),
                name: word("name"),
                kind: or("type", "addon"),
                packages: word("packages"),
            });
            return self.note_repository(section);
        } else if let Some(uid) = section.name().strip_prefix("variant-") {
            self.variants.push(Variant {
                id: or("id", uid),
                uid: or("uid", uid),
                name: word("name"),
                kind: or("type", "variant"),
                packages: word("packages"),
                source_packages: own("source_packages"),
                source_repository: own("source_repository"),
                debug_packages: own("debug_packages"),
                debug_repository: own("debug_repository"),
                identity: own("identity"),
            });
            return self.note_repository(section);
        }
        Ok(())
    }

    /// Notes the repository of a part of the tree. The main one, and those elsewhere, are not
    /// below this one and are none of the tree's.
    fn note_repository(&mut self, section: &Section) -> Result<()> {
        let told = section.get("repository").unwrap_or_default();
        let path = told.trim_start_matches("./").trim_end_matches('/');
        if path.is_empty() || path == ROOT {
            return Ok(());
        }
        if let Err(error) = relative_path::check(path) {
            let what = format!("the repository of [{}]", section.name());
            self.warnings.push(error.context(&what).to_string());
        } else if !self.repositories.iter().any(|known| known == path) {
            if self.repositories.len() == MAX_REPOSITORIES {
                return Err(Error::limit(format!(
                    "it names more than {MAX_REPOSITORIES} repositories"
                )));
            }
            self.repositories.push(path.to_owned());
        }
        Ok(())
    }

    /// The files of the tree beside `.treeinfo`, each with its digest where one is told. What
    /// is no file of a tree is left out with a warning.
    pub(crate) fn files(&mut self) -> Result<Vec<(String, Option<String>)>> {
        let told = self.checksums.iter();
        let told = told.map(|one| (&one.path, Some(&one.checksum)));
        let images = self.images.iter().map(|one| &one.path);
        let stages = [&self.instimage, &self.mainimage].into_iter().flatten();
        let untold = images.chain(stages).map(|path| (path, None));
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut files: Vec<(String, Option<String>)> = Vec::new();
        for (path, checksum) in told.chain(untold) {
            // The indexes are made anew.
            if path.is_empty() || path.starts_with("repodata/") {
                continue;
            }
            let digest = match checksum {
                Some(checksum) => digest(path, checksum)?,
                None => None,
            };
            if let Some(&at) = places.get(path.as_str()) {
                let (_, known) = &files[at];
                if digest.is_some() && *known != digest {
                    return Err(Error::invalid(format!("{path:?} has two checksums")));
                }
                continue;
            }
            if let Err(error) = check_file(path) {
                self.warnings.push(error.context("a file").to_string());
                continue;
            }
            places.insert(path, files.len());
            files.push((path.clone(), digest));
        }
        Ok(files)
    }
}

/// Refuses what leads out of the tree, and what would take another's place in a publication.
fn check_file(path: &str) -> Result<()> {
    relative_path::check(path)?;
    if matches!(path.rsplit_once('.'), Some((_, "rpm"))) {
        return Err(Error::invalid(format!(
            "{path:?} is a package; those come with an index"
        )));
    }
    if path == client_config::PATH {
        return Err(Error::invalid(format!(
            "{path:?} is what the server tells clients"
        )));
    }
    Ok(())
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
images/Boot.iso = crc32:aa
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
        let mut tree = read(TREEINFO).expect("a tree");
        assert_eq!(
            (tree.release_name.as_str(), tree.arch.as_str()),
            ("Zoo Linux", "x86_64")
        );
        assert!((tree.build_timestamp - 1_700_000_000.5).abs() < f64::EPSILON);
        assert_eq!((tree.discnum, tree.totaldiscs), (Some(1), Some(1)));
        assert_eq!(tree.repositories, ["addons/High"]);
        assert_eq!(tree.addons[0].id, "High");
        assert_eq!(tree.variants.len(), 2);
        let files = tree.files().expect("files");
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            ["images/Boot.iso", "images/vmlinuz", "images/install.img"]
        );
        assert_eq!(files[0].1, None, "nobody knows this kind of checksum");
        assert_eq!(
            tree.warnings,
            ["the repository of [variant-Elsewhere]: the path `../other` has the segment `..`"]
        );
    }

    fn refused(text: &str) -> String {
        let files = read(text).and_then(|mut tree| tree.files());
        files.expect_err("it is refused").to_string()
    }

    #[test]
    fn what_is_no_tree_is_refused_in_words() {
        assert_eq!(
            refused("<html>\u{0}\u{fffd}</html>"),
            "it has no sections, as an INI file has"
        );
        assert_eq!(refused("[tree]\na = b\n"), "it names no architecture");
        let headings = (0..1001).map(|number| format!("[{number}]\n"));
        let many = headings.collect::<Vec<_>>().concat();
        assert_eq!(
            refused(&many),
            "it has 1001 sections; at most 1000 are read"
        );
        let named = |number| format!("[addon-{number}]\nrepository = {number}\n");
        let many: String = (0..101).map(named).collect();
        assert_eq!(
            refused(&format!("[tree]\narch = x\n{many}")),
            "it names more than 100 repositories"
        );
    }

    #[test]
    fn a_checksum_is_one_and_there_is_one() {
        let tree = |checksums: &str| format!("[tree]\narch = x\n[checksums]\n{checksums}");
        assert_eq!(
            refused(&tree("a = sha256:00\n")),
            "the checksum of \"a\" is none: a sha256 has 64 hexadecimal digits"
        );
        let (one, other) = ("a".repeat(32), "b".repeat(32));
        assert_eq!(
            refused(&tree(&format!("a = md5:{one}\na = md5:{other}\n"))),
            "\"a\" has two checksums"
        );
        let twice = tree(&format!("a = md5:{one}\na = md5:{}\n", one.to_uppercase()));
        let files = read(&twice).and_then(|mut tree| tree.files());
        assert_eq!(
            files.expect("files"),
            [("a".to_owned(), Some(format!("md5:{one}")))]
        );
    }

    #[test]
    fn what_is_no_file_of_a_tree_is_left_out() {
        let mut tree = read(
            "[tree]\narch = x\n[images-x]\na = ../../etc/passwd\nb = /etc/passwd\n\
             c = https://example.org/x\nd = config.repo\ne = Packages/b/bear.rpm\n\
             f = repodata/repomd.xml\ng = images/fine\n[addon-A]\nrepository = /srv\n\
             [addon-B]\nrepository = https://example.org/x\n[addon-C]\nrepository = ./\n",
        )
        .expect("a tree");
        assert_eq!(tree.files(), Ok(vec![("images/fine".to_owned(), None)]));
        assert!(tree.repositories.is_empty());
        assert_eq!(
            tree.warnings,
            [
                "the repository of [addon-A]: the path `/srv` is absolute, but must be relative",
                "the repository of [addon-B]: the path `https://example.org/x` has an empty segment",
                "a file: the path `../../etc/passwd` has the segment `..`",
                "a file: the path `/etc/passwd` is absolute, but must be relative",
                "a file: the path `https://example.org/x` has an empty segment",
                "a file: \"config.repo\" is what the server tells clients",
                "a file: \"Packages/b/bear.rpm\" is a package; those come with an index",
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
