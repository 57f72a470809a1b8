//! Archives that nobody should send.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use tar::{Builder, EntryType, Header};

/// Wants every file in full.
#[derive(Default)]
struct Everything(BTreeMap<String, Vec<u8>>);

impl Gatherer for Everything {
    fn wanted(&mut self, _: &str, size: u64) -> Result<usize> {
        Ok(usize::try_from(size).expect("small"))
    }

    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<()> {
        self.0.insert(path.to_owned(), bytes);
        Ok(())
    }

    fn passed(&mut self, _: usize) {}
}

type Tar = Builder<Vec<u8>>;

fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header
}

/// Sets a path as it is: the library would refuse some.
fn put(tar: &mut Tar, kind: EntryType, path: &str, target: &str, bytes: &[u8]) {
    let mut header = header(kind, bytes.len());
    let raw = header.as_mut_bytes();
    raw[..path.len()].copy_from_slice(path.as_bytes());
    raw[157..157 + target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    tar.append(&header, bytes)
        .expect("memory takes every write");
}

fn file(tar: &mut Tar, path: &str, bytes: &[u8]) {
    put(tar, EntryType::Regular, path, "", bytes);
}

fn packed(fill: impl FnOnce(&mut Tar)) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    fill(&mut tar);
    gzip(&tar.into_inner().expect("memory takes every write"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

fn read_all(bytes: &[u8]) -> Result<Members> {
    read(bytes, bytes.len() as u64, &mut Everything::default())
}

fn refusal(fill: impl FnOnce(&mut Tar)) -> String {
    read_all(&packed(fill)).expect_err("refused").to_string()
}

#[test]
fn members_have_their_digests_and_wanted_bytes() {
    let archive = packed(|tar| {
        put(tar, EntryType::Directory, "a/", "", b"");
        file(tar, "a/f", b"text");
        put(tar, EntryType::Symlink, "a/l", "../a/f", b"");
        put(tar, EntryType::Link, "h", "a/f", b"");
    });
    let mut everything = Everything::default();
    let members = read(archive.as_slice(), 1, &mut everything).expect("sound");
    let digest: Digest = Sha256::digest(b"text").into();
    assert_eq!(members["a"], Member::Folder);
    assert_eq!(members["a/f"], Member::File(digest));
    assert_eq!(members["a/l"], Member::Link("a/f".into()));
    assert_eq!(members["h"], Member::File(digest));
    assert_eq!(follow(&members, "a/l"), Some(&Member::File(digest)));
    assert_eq!(everything.0["a/f"], b"text");
}

#[test]
fn long_paths_have_heads_of_their_own() {
    let long = format!("{}/f", "x".repeat(150));
    let pax = packed(|tar| {
        tar.append_pax_extensions([("path", long.as_bytes()), ("mtime", b"1.5")])
            .expect("memory");
        file(tar, "short", b"1");
    });
    let gnu = packed(|tar| {
        put(
            tar,
            EntryType::GNULongName,
            "x",
            "",
            format!("{long}\0").as_bytes(),
        );
        file(tar, "short", b"1");
    });
    for archive in [pax, gnu] {
        let members = read_all(&archive).expect("sound");
        assert_eq!(members.keys().collect::<Vec<_>>(), [&long]);
    }
}

#[test]
fn nothing_leads_out_of_the_collection() {
    for path in ["../f", "a/../../f", "/etc/passwd", "./f", "a//f", "f/"] {
        let error = refusal(|tar| file(tar, path, b"x"));
        assert!(error.contains(path), "{path}: {error}");
    }
    for (path, target) in [("l", "/etc/passwd"), ("a/l", "../../f"), ("l", "a/../../f")] {
        let error = refusal(|tar| put(tar, EntryType::Symlink, path, target, b""));
        assert!(error.contains("outside of the collection"), "{error}");
        assert!(error.contains(path) && error.contains(target), "{error}");
    }
    let error = refusal(|tar| put(tar, EntryType::Link, "h", "../../f", b""));
    assert!(error.contains("no file before it"), "{error}");
}

#[test]
fn nothing_is_written_through_a_link() {
    let error = refusal(|tar| {
        put(tar, EntryType::Symlink, "l", "a", b"");
        file(tar, "l/f", b"x");
    });
    assert!(
        error.contains("\"l/f\"") && error.contains("no folder"),
        "{error}"
    );
}

#[test]
fn links_in_a_circle_lead_nowhere() {
    let archive = packed(|tar| {
        put(tar, EntryType::Symlink, "a", "b", b"");
        put(tar, EntryType::Symlink, "b", "a", b"");
    });
    let members = read_all(&archive).expect("the circle is not followed yet");
    assert_eq!(follow(&members, "a"), None);
}

#[test]
fn members_are_files_folders_and_links_and_there_once() {
    for kind in [
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
    ] {
        let error = refusal(|tar| put(tar, kind, "device", "", b""));
        assert!(
            error.contains("\"device\" of the archive is neither"),
            "{error}"
        );
    }
    let error = refusal(|tar| {
        file(tar, "f", b"1");
        file(tar, "f", b"2");
    });
    assert!(
        error.contains("\"f\" of the archive is there twice"),
        "{error}"
    );
    let error = refusal(|tar| put(tar, EntryType::Symlink, "l", "f", &[b'x'; 600]));
    assert!(error.contains("has bytes, but is no file"), "{error}");
}

#[test]
fn a_path_is_said_once() {
    let error = refusal(|tar| {
        tar.append_pax_extensions([("path", b"a".as_slice())])
            .expect("memory");
        put(tar, EntryType::GNULongName, "x", "", b"b\0");
        file(tar, "c", b"");
    });
    assert!(error.contains("more than one place"), "{error}");
    let error = refusal(|tar| {
        tar.append_pax_extensions([("size", b"5".as_slice())])
            .expect("memory");
        file(tar, "c", b"");
    });
    assert!(error.contains("the size"), "{error}");
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 1 << 20];
    let bomb = packed(|tar| file(tar, "zeros", &zeros));
    let mut behind = vec![0; 1024];
    behind.extend(&zeros);
    // Behind the end of the archive counts too.
    for bomb in [bomb, gzip(&behind)] {
        assert!(read_bounded(bomb.as_slice(), 2 << 20, &mut Passing).is_ok());
        let error = read_bounded(bomb.as_slice(), 1 << 20, &mut Passing).expect_err("too much");
        assert_eq!(error.code(), pith_plugin_sdk::ErrorCode::Limit);
        assert_eq!(
            error.to_string(),
            "the archive unpacks to more than 1048576 bytes"
        );
    }
    assert_eq!(most_unpacked(1 << 10), UNSUSPICIOUS);
    assert_eq!(most_unpacked(10 << 20), 500 << 20);
    assert_eq!(most_unpacked(u64::MAX), MAX_UNPACKED);
    let error = refusal(|tar| put(tar, EntryType::GNULongName, "x", "", &vec![b'a'; 1 << 20]));
    assert!(
        error.contains("extended header of 1048576 bytes"),
        "{error}"
    );
}

/// Wants nothing.
struct Passing;

impl Gatherer for Passing {
    fn wanted(&mut self, _: &str, _: u64) -> Result<usize> {
        Ok(0)
    }

    fn take(&mut self, path: &str, _: Vec<u8>) -> Result<()> {
        panic!("{path} was not wanted");
    }

    fn passed(&mut self, _: usize) {}
}

#[test]
fn too_many_members_are_refused() {
    let archive = packed(|tar| {
        for number in 0..=MAX_MEMBERS {
            file(tar, &number.to_string(), b"");
        }
    });
    let error = read(archive.as_slice(), 1 << 30, &mut Passing).expect_err("too many");
    assert_eq!(
        error.to_string(),
        "the archive has more than 100000 members"
    );
}

#[test]
fn damaged_archives_are_refused() {
    let whole = packed(|tar| file(tar, "f", b"text"));
    for wrong in [&b""[..], b"text", &gzip(b"text"), &whole[..whole.len() - 6]] {
        let error = read_all(wrong).map(drop);
        // Nothing at all is an empty archive; whoever needs a manifest misses it.
        if wrong.is_empty() {
            continue;
        }
        let error = error.expect_err("damaged").to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    let cut = {
        let mut tar = Builder::new(Vec::new());
        file(&mut tar, "f", &[b'x'; 2_000]);
        let mut bytes = tar.into_inner().expect("memory");
        bytes.truncate(1_000);
        gzip(&bytes)
    };
    let error = read_all(&cut).expect_err("cut").to_string();
    assert!(error.contains("\"f\" of the archive is cut off"), "{error}");
}

#[test]
fn one_file_is_taken_out_of_an_archive() {
    let archive = packed(|tar| {
        file(tar, "first.txt", b"no");
        file(tar, "./MANIFEST.json", b"{ }\n");
        file(tar, "MANIFEST.json", b"later");
    });
    let taken = |name: &str| super::file(&archive[..], archive.len() as u64, name);
    assert_eq!(taken("MANIFEST.json").as_deref(), Ok(&b"{ }\n"[..]));
    let error = taken("FILES.json").expect_err("not there").to_string();
    assert!(error.contains("FILES.json"), "{error}");
    let cut = super::file(&archive[..20], 20, "MANIFEST.json");
    assert!(cut.is_err());
}
