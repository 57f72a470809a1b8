//! Reads the tar archive of a collection in one pass: what its members are, with the digest
//! of each file. Nothing is trusted, and no member is kept that nobody asks for.

mod header;

use std::collections::BTreeMap;
use std::io::{self, Read};

use pith_plugin_sdk::{Error, Result};
use sha2::{Digest as _, Sha256};
use tar::Archive;

use header::{Extensions, Kind};

/// Members that an archive may have, folders included.
pub(crate) const MAX_MEMBERS: usize = 100_000;

/// Bytes that an archive may unpack to.
const MAX_UNPACKED: u64 = 2 << 30;

/// Below this size no archive is taken for a bomb: as many members as there may be, each with
/// some words in it.
const UNSUSPICIOUS: u64 = 128 << 20;

/// How many times its own size an archive may unpack to; text has a tenth of it.
const MAX_RATIO: u64 = 50;

/// The largest file that is taken out of an archive: a manifest has some hundred bytes.
const MAX_FILE: u64 = 16 << 20;

/// As much as is hashed at a time.
const CHUNK: usize = 64 << 10;

/// A SHA-256 digest.
pub(crate) type Digest = [u8; 32];

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// A folder.
    Folder,
    /// A file with its digest.
    File(Digest),
    /// A symbolic link, and the path that it leads to, from the root.
    Link(String),
}

/// Everything in an archive.
pub(crate) type Members = BTreeMap<String, Member>;

/// Says which files are wanted, and gets their beginnings.
pub(crate) trait Gatherer {
    /// How many bytes of a file are wanted, from its beginning.
    fn wanted(&mut self, path: &str, size: u64) -> Result<usize>;
    /// Takes them.
    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<()>;
    /// Another member was read, the number of which is given.
    fn passed(&mut self, members: usize);
}

/// Reads an archive that is compressed with gzip, of `size` bytes.
pub(crate) fn read(packed: impl Read, size: u64, gatherer: &mut impl Gatherer) -> Result<Members> {
    read_bounded(packed, most_unpacked(size), gatherer)
}

/// The bytes of one file of an archive; what comes after it is not read.
pub(crate) fn file(packed: impl Read, size: u64, wanted: &str) -> Result<Vec<u8>> {
    let most = most_unpacked(size);
    let unpacked = Bounded {
        inner: flate2::read::MultiGzDecoder::new(packed),
        left: most,
        most,
    };
    let mut archive = Archive::new(unpacked);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path_bytes();
        let path = path.strip_prefix(b"./").unwrap_or(&path);
        if path != wanted.as_bytes() {
            continue;
        }
        if entry.size() > MAX_FILE {
            return Err(refused(
                wanted,
                &format!("has {} bytes, but may have {MAX_FILE}", entry.size()),
            ));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        return Ok(bytes);
    }
    Err(Error::invalid(format!("the archive has no file {wanted}")))
}

/// What an archive of a size may unpack to.
fn most_unpacked(size: u64) -> u64 {
    let most = size.saturating_mul(MAX_RATIO);
    most.clamp(UNSUSPICIOUS, MAX_UNPACKED)
}

fn read_bounded(packed: impl Read, most: u64, gatherer: &mut impl Gatherer) -> Result<Members> {
    let unpacked = Bounded {
        inner: flate2::read::MultiGzDecoder::new(packed),
        left: most,
        most,
    };
    let mut archive = Archive::new(unpacked);
    let members = read_members(&mut archive, gatherer)?;
    // The rest is padding; reading it checks the sum at its end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(members)
}

fn read_members<R: Read>(
    archive: &mut Archive<R>,
    gatherer: &mut impl Gatherer,
) -> Result<Members> {
    let mut members = Members::new();
    let mut extensions = Extensions::default();
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        let header = entry.header().clone();
        let entry_size = header.entry_size().map_err(broken)?;
        if extensions.take(&header, entry_size, &mut entry)? {
            continue;
        }
        let (path, kind) = header::describe(&header, std::mem::take(&mut extensions))?;
        if members.len() == MAX_MEMBERS {
            return Err(Error::limit(format!(
                "the archive has more than {MAX_MEMBERS} members"
            )));
        }
        // Some programs read past the bytes of what is no file, and some do not.
        if entry_size > 0 && kind != Kind::File {
            return Err(refused(&path, "has bytes, but is no file"));
        }
        let member = match kind {
            Kind::Folder => Member::Folder,
            Kind::File => Member::File(read_file(&path, entry_size, &mut entry, gatherer)?),
            Kind::Link(target) => Member::Link(target),
            Kind::Same(target) => match members.get(&target) {
                Some(Member::File(digest)) => Member::File(*digest),
                _ => {
                    return Err(refused(
                        &path,
                        &format!("is a hard link to {target:?}, which is no file before it"),
                    ));
                }
            },
        };
        if members.insert(path.clone(), member).is_some() {
            return Err(refused(&path, "is there twice"));
        }
        gatherer.passed(members.len());
    }
    check_parents(&members)?;
    Ok(members)
}

fn read_file(
    path: &str,
    size: u64,
    file: &mut impl Read,
    gatherer: &mut impl Gatherer,
) -> Result<Digest> {
    let wanted = gatherer.wanted(path, size)?;
    let mut kept = Vec::new();
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut read = 0_u64;
    loop {
        let length = file.read(&mut chunk).map_err(broken)?;
        if length == 0 {
            break;
        }
        hash.update(&chunk[..length]);
        let room = wanted - kept.len();
        kept.extend_from_slice(&chunk[..length.min(room)]);
        read += length as u64;
    }
    if read != size {
        return Err(refused(path, "is cut off: the archive ends within it"));
    }
    if wanted > 0 {
        gatherer.take(path, kept)?;
    }
    Ok(hash.finalize().into())
}

/// Whatever has something below it must be a folder: unpacked in order, a file below a link
/// would be written to where the link leads.
fn check_parents(members: &Members) -> Result<()> {
    for path in members.keys() {
        for (at, _) in path.match_indices('/') {
            match members.get(&path[..at]) {
                None | Some(Member::Folder) => {}
                Some(Member::File(_) | Member::Link(_)) => {
                    let what = format!("lies below {:?}, which is no folder", &path[..at]);
                    return Err(refused(path, &what));
                }
            }
        }
    }
    Ok(())
}

/// Where a path leads, through links.
pub(crate) fn follow<'a>(members: &'a Members, path: &'a str) -> Option<&'a Member> {
    let mut path = path;
    // Every step of a chain of links that ends is another one of them; nobody has so many.
    for _ in 0..16 {
        match members.get(path)? {
            Member::Link(target) if target.is_empty() => return Some(&Member::Folder),
            Member::Link(target) => path = target,
            found => return Some(found),
        }
    }
    None
}

/// Says what is wrong with a member.
pub(crate) fn refused(path: &str, problem: &str) -> Error {
    let shown: String = path.chars().take(200).collect();
    Error::invalid(format!("the member {shown:?} of the archive {problem}"))
}

/// Errors of the host and of the bound come through; others are about the bytes.
fn broken(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(theirs) => Error::invalid(format!(
            "the file is no tar archive compressed with gzip, or is damaged: {theirs}"
        )),
    }
}

/// Ends with an error once it gave too many bytes.
struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(target)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            let most = self.most;
            Error::limit(format!("the archive unpacks to more than {most} bytes"))
        })?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
