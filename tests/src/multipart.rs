//! A `multipart/form-data` body.

use base64::Engine as _;
use bytes::Bytes;

/// Does not occur in any body that the tests send.
const BOUNDARY: &str = "pith-tests-5b1c8f0e7d";

/// The fields of a form, some of them files.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// A form without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field with text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        self.part(&head, value.as_bytes());
        self
    }

    /// Adds a field with a file.
    #[must_use]
    pub fn file(mut self, name: &str, filename: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             Content-Type: application/octet-stream"
        );
        self.part(&head, bytes);
        self
    }

    /// Adds a field with a file in lines of base64, as libraries for mail write them.
    #[must_use]
    pub fn base64_file(mut self, name: &str, filename: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             Content-Transfer-Encoding: base64"
        );
        let lines: Vec<String> = bytes
            .chunks(57)
            .map(|line| base64::engine::general_purpose::STANDARD.encode(line))
            .collect();
        self.part(&head, lines.join("\n").as_bytes());
        self
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// The body.
    pub(crate) fn finish(mut self) -> Bytes {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0.into()
    }

    fn part(&mut self, head: &str, bytes: &[u8]) {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
    }
}
