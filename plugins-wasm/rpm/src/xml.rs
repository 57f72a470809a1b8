//! Walks a small XML document without copying what has nothing to unescape.

use std::borrow::Cow;

use pith_plugin_sdk::{Error, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// A step of the walk.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// An element begins; its children follow unless it is empty.
    Open(Element<'a>),
    /// The element that was opened last and not closed yet ends.
    Close,
}

/// An element's name and attributes.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    start: BytesStart<'a>,
    /// `<a/>`: nothing follows, not even [`Step::Close`].
    pub(crate) is_empty: bool,
}

/// Deeper is no index of anything.
const MAX_DEPTH: usize = 64;

/// The walk through a document.
pub(crate) struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        Self { reader, depth: 0 }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Where the reader is, in bytes from the beginning.
    pub(crate) fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The next element; none at the end of the document.
    pub(crate) fn next_step(&mut self) -> Result<Option<Step<'a>>> {
        loop {
            match self.reader.read_event().map_err(wrong)? {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(Error::invalid(format!(
                            "elements are nested more than {MAX_DEPTH} deep"
                        )));
                    }
                    return Ok(Some(Step::Open(Element {
                        start,
                        is_empty: false,
                    })));
                }
                Event::Empty(start) => {
                    return Ok(Some(Step::Open(Element {
                        start,
                        is_empty: true,
                    })));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Step::Close));
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// The text of an element that was just opened, up to its end. Elements inside are
    /// walked over.
    pub(crate) fn text(&mut self, element: &Element<'_>) -> Result<Cow<'a, str>> {
        if element.is_empty {
            return Ok(Cow::Borrowed(""));
        }
        let outside = self.depth - 1;
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        loop {
            let part: Cow<'a, str> = match self.reader.read_event().map_err(wrong)? {
                Event::Text(part) => utf8(part.into_inner()),
                Event::CData(part) => utf8(part.into_inner()),
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(wrong)?;
                    let entity = format!("&{name};");
                    // An entity that nobody defined stays as it is written.
                    Cow::Owned(
                        quick_xml::escape::unescape(&entity)
                            .map_or_else(|_| entity.clone(), Cow::into_owned),
                    )
                }
                Event::Start(_) => {
                    self.depth += 1;
                    continue;
                }
                Event::End(_) => {
                    self.depth -= 1;
                    if self.depth == outside {
                        return Ok(text);
                    }
                    continue;
                }
                Event::Eof => return Err(Error::invalid("the document breaks off")),
                _ => continue,
            };
            if text.is_empty() {
                text = part;
            } else {
                text.to_mut().push_str(&part);
            }
        }
    }

    /// Walks over the rest of an element that was just opened.
    pub(crate) fn skip(&mut self, element: &Element<'_>) -> Result<()> {
        if element.is_empty {
            return Ok(());
        }
        let outside = self.depth - 1;
        while self.depth > outside {
            if self.next_step()?.is_none() {
                return Err(Error::invalid("the document breaks off"));
            }
        }
        Ok(())
    }
}

impl Element<'_> {
    /// The name with its prefix.
    pub(crate) fn name(&self) -> &[u8] {
        self.start.name().into_inner()
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let attribute = self.start.try_get_attribute(name).ok()??;
        Some(unescape(&utf8(attribute.value)))
    }

    /// The values of these attributes, found in one pass.
    pub(crate) fn attributes<const N: usize>(&self, names: [&[u8]; N]) -> [Option<String>; N] {
        let mut values = [const { None }; N];
        let mut all = self.start.attributes();
        all.with_checks(false);
        for attribute in all.flatten() {
            let key = attribute.key.into_inner();
            if let Some(at) = names.iter().position(|name| *name == key) {
                values[at] = Some(unescape(&utf8(attribute.value)));
            }
        }
        values
    }
}

/// Text of bytes, with a sign for each that is none. Most are text, and told so many at once.
pub(crate) fn utf8(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        },
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

fn unescape(raw: &str) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    match quick_xml::escape::unescape(raw) {
        Ok(text) => text.into_owned(),
        Err(_) => raw.to_owned(),
    }
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::invalid(format!("not well-formed XML: {error}"))
}

/// Text as it may stand in an element or in an attribute.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_unescaped_and_joined() {
        let mut walk = Walk::new("<a><b>x &amp; y&#33;<c>no</c><![CDATA[<z>]]></b></a>");
        let Ok(Some(Step::Open(a))) = walk.next_step() else {
            panic!("an element");
        };
        assert_eq!(a.name(), b"a");
        let Ok(Some(Step::Open(b))) = walk.next_step() else {
            panic!("an element");
        };
        assert_eq!(walk.text(&b).expect("text"), "x & y!no<z>");
        assert!(matches!(walk.next_step(), Ok(Some(Step::Close))));
        assert!(matches!(walk.next_step(), Ok(None)));
    }

    #[test]
    fn attributes_come_unescaped_and_broken_documents_are_refused() {
        let mut walk = Walk::new("<a x='1 &lt; 2' y=''></b>");
        let Ok(Some(Step::Open(a))) = walk.next_step() else {
            panic!("an element");
        };
        assert_eq!(
            a.attributes([b"y", b"x", b"z"]),
            [Some(String::new()), Some("1 < 2".into()), None]
        );
        assert_eq!(a.attribute("x").as_deref(), Some("1 < 2"));
        assert!(walk.next_step().is_err());
    }

    #[test]
    fn a_deep_document_is_refused() {
        let text = "<a>".repeat(MAX_DEPTH + 1);
        let mut walk = Walk::new(&text);
        let error = loop {
            match walk.next_step() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("nested"), "{error}");
    }
}
