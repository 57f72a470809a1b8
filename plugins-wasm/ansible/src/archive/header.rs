//! The head of a member of a tar archive: its path, and what it is.

use std::io::Read;

use pith_plugin_sdk::{Error, Result, relative_path};
use tar::{EntryType, Header, PaxExtensions};

use super::{broken, refused};

/// Paths and a few numbers; no honest archive has more of it at a member.
const MAX_EXTENSION: u64 = 64 << 10;

/// What a member is, as its head says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// A symbolic link to a path from the root.
    Link(String),
    /// The same file as another.
    Same(String),
}

/// What members before a member say of it, where its own head has no room.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extensions {
    /// Takes a member that is about the next one; false if it is one of its own.
    pub(super) fn take(
        &mut self,
        header: &Header,
        size: u64,
        content: &mut impl Read,
    ) -> Result<bool> {
        let kind = header.entry_type();
        let is_pax = matches!(kind, EntryType::XHeader | EntryType::XGlobalHeader);
        let is_long = matches!(kind, EntryType::GNULongName | EntryType::GNULongLink);
        if !is_pax && !is_long {
            return Ok(false);
        }
        if size > MAX_EXTENSION {
            return Err(Error::limit(format!(
                "the archive has an extended header of {size} bytes, more than {MAX_EXTENSION}"
            )));
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(broken)?;
        if kind == EntryType::XGlobalHeader {
            check_global(&bytes)?;
        } else if is_pax {
            self.take_pax(&bytes)?;
        } else {
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
            let place = if kind == EntryType::GNULongName {
                &mut self.path
            } else {
                &mut self.link
            };
            set(place, bytes)?;
        }
        Ok(true)
    }

    fn take_pax(&mut self, bytes: &[u8]) -> Result<()> {
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(broken)?;
            match extension.key_bytes() {
                b"path" => set(&mut self.path, extension.value_bytes().to_vec())?,
                b"linkpath" => set(&mut self.link, extension.value_bytes().to_vec())?,
                // Of files larger than any that are taken; and a second size is a trap.
                b"size" => return Err(unclear("the size")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What is said of all members may not be about what they are.
fn check_global(bytes: &[u8]) -> Result<()> {
    for extension in PaxExtensions::new(bytes) {
        let extension = extension.map_err(broken)?;
        if matches!(extension.key_bytes(), b"path" | b"linkpath" | b"size") {
            return Err(unclear("the path or size"));
        }
    }
    Ok(())
}

/// Programs differ in which of two paths counts, so there may be one.
fn set(place: &mut Option<Vec<u8>>, value: Vec<u8>) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(unclear("the path")),
    }
}

fn unclear(what: &str) -> Error {
    Error::invalid(format!(
        "the archive says {what} of a member in more than one place, which programs read \
         differently"
    ))
}

/// The path of a member, and what it is.
pub(super) fn describe(header: &Header, extensions: Extensions) -> Result<(String, Kind)> {
    let path = extensions
        .path
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let path = text(path)?;
    let kind = header.entry_type();
    // Folders are written with a slash at their end.
    let path = match path.strip_suffix('/') {
        Some(folder) if kind.is_dir() => folder.to_owned(),
        _ => path,
    };
    relative_path::check(&path)
        .map_err(|error| error.context("the archive has a member outside of it or unnamed"))?;
    let target = || {
        let header = header.link_name_bytes().map(std::borrow::Cow::into_owned);
        text(extensions.link.or(header).unwrap_or_default())
    };
    let kind = match kind {
        EntryType::Regular => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::Link(inside(&path, &target()?)?),
        EntryType::Link => Kind::Same(target()?),
        _ => {
            return Err(refused(
                &path,
                "is neither a file nor a folder nor a link, and nothing else is allowed",
            ));
        }
    };
    Ok((path, kind))
}

/// Where a link leads, from the root of the collection; empty for the root itself.
fn inside(path: &str, target: &str) -> Result<String> {
    let outside = || {
        refused(
            path,
            &format!("is a link to {target:?}, which is outside of the collection"),
        )
    };
    if target.starts_with('/') {
        return Err(outside());
    }
    let mut segments: Vec<&str> = path.split('/').collect();
    segments.pop();
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop().ok_or_else(outside)?;
            }
            name => segments.push(name),
        }
    }
    Ok(segments.join("/"))
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        refused(&shown, "has a path that is not UTF-8")
    })
}
