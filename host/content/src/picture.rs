//! Pictures: which of those that browsers show bytes are, as their beginning says.

use pith_model::schema::FileSetting;
use pith_storage::Incoming;

use crate::error::{Error, Result};

/// So many bytes tell what a file is.
pub const BEGINNING: usize = 16;

/// The media type of a picture; none of what is none. What can hold scripts is none.
pub fn media_type_of(beginning: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ];
    if beginning.starts_with(b"RIFF") && beginning.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    let mut known = known.into_iter();
    known.find_map(|(first, name)| beginning.starts_with(first).then_some(name))
}

/// The media type of a file that is to be kept as a picture.
///
/// # Errors
/// In words where it is none, or too large.
pub async fn check(incoming: &Incoming, wanted: &FileSetting) -> Result<&'static str> {
    if incoming.size() > wanted.max_size {
        return Err(Error::limit(format!(
            "the picture has {} bytes; at most {} are taken",
            incoming.size(),
            wanted.max_size
        )));
    }
    let beginning = incoming.open()?.read_at(0, BEGINNING).await?;
    media_type_of(&beginning)
        .ok_or_else(|| Error::invalid("this is no picture: PNG, JPEG, GIF and WebP are taken"))
}

#[cfg(test)]
mod tests {
    use super::media_type_of;

    #[test]
    fn pictures_are_told_by_their_beginnings() {
        for (beginning, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"<svg xmlns=", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(media_type_of(beginning), expected, "{beginning:?}");
        }
    }
}
