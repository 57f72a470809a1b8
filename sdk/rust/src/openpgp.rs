//! What a signature of `OpenPGP` says of the key that made it (RFC 9580, section 5.2). Nothing of
//! it is proved by reading: for that there is `Task::verify`.

use std::fmt::{self, Write as _};

/// The packet that is a signature.
const SIGNATURE_PACKET: u8 = 2;

/// What a signature says of its key.
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

/// With this bit, who does not know a kind of part must not trust the signature.
const CRITICAL: u8 = 0x80;

/// A signature, as its packet has it.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    body: &'a [u8],
}

/// The key that a signature says to be made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// As newer signatures name it.
    Fingerprint {
        /// Of the key: 4, 5 or 6.
        version: u8,
        /// 20 bytes, or 32.
        bytes: Vec<u8>,
    },
    /// As older ones do.
    KeyId([u8; 8]),
}

impl<'a> Signature<'a> {
    /// Reads the first packet; none if it is no signature, or is damaged.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&tag, rest) = bytes.split_first()?;
        if tag & 0x80 == 0 {
            return None;
        }
        if tag & 0x40 != 0 {
            let (length, rest) = length(rest)?;
            let body = rest.get(..length)?;
            return (tag & 0x3f == SIGNATURE_PACKET).then_some(Self { body });
        }
        let width = [1, 2, 4].get(usize::from(tag & 3))?;
        let (length, rest) = rest.split_at_checked(*width)?;
        let body = rest.get(..number(length))?;
        (tag >> 2 & 0xf == SIGNATURE_PACKET).then_some(Self { body })
    }

    /// Whose it says to be.
    pub fn issuer(&self) -> Option<Issuer> {
        let (&version, rest) = self.body.split_first()?;
        let width = match version {
            // Five bytes are signed along: the type and the time. The key is named behind them.
            3 => return key_id(rest.get(6..14)?),
            4 | 5 => 2,
            // With wider counts.
            6 => 4,
            _ => return None,
        };
        // Type and two algorithms.
        let mut rest = rest.get(3..)?;
        let mut found = None;
        for _ in ["hashed", "unhashed"] {
            let (count, after) = rest.split_at_checked(width)?;
            let (mut parts, after) = after.split_at_checked(number(count))?;
            rest = after;
            while !parts.is_empty() {
                let (length, after) = length(parts)?;
                let (part, after) = after.split_at_checked(length)?;
                parts = after;
                let (&kind, value) = part.split_first()?;
                match (kind & !CRITICAL, value) {
                    (ISSUER_FINGERPRINT, [version, bytes @ ..]) if bytes.len() >= 20 => {
                        return Some(Issuer::Fingerprint {
                            version: *version,
                            bytes: bytes.to_vec(),
                        });
                    }
                    (ISSUER, id) => found = key_id(id).or(found),
                    _ => {}
                }
            }
        }
        found
    }
}

impl Issuer {
    /// The fingerprint or the ID in upper case.
    pub fn hex(&self) -> String {
        let bytes = match self {
            Self::Fingerprint { bytes, .. } => &bytes[..],
            Self::KeyId(id) => id,
        };
        bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing into a string does not fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
    }
}

/// With the kind before a colon: `v4:…` or `keyid:…`.
impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint { version, .. } => write!(f, "v{version}:{}", self.hex()),
            Self::KeyId(_) => write!(f, "keyid:{}", self.hex()),
        }
    }
}

fn key_id(bytes: &[u8]) -> Option<Issuer> {
    bytes.try_into().ok().map(Issuer::KeyId)
}

/// A length as newer packets and the parts of a signature have it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..192 => Some((usize::from(first), rest)),
        192..255 => {
            let (&second, rest) = rest.split_first()?;
            let high = usize::from(first).checked_sub(192)? << 8;
            // 224 and above would be a body in pieces, which signatures never are.
            (first < 224).then_some((high + usize::from(second) + 192, rest))
        }
        255 => {
            let (length, rest) = rest.split_at_checked(4)?;
            Some((number(length), rest))
        }
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signature packet with these parts, the first list of which is hashed.
    fn packet(hashed: &[u8], unhashed: &[u8]) -> Vec<u8> {
        let mut body = vec![4, 0, 1, 8];
        for parts in [hashed, unhashed] {
            body.extend(u16::try_from(parts.len()).expect("short").to_be_bytes());
            body.extend(parts);
        }
        whole(&body)
    }

    fn whole(body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x88, u8::try_from(body.len()).expect("short")];
        packet.extend(body);
        packet
    }

    fn shown(packet: &[u8]) -> Option<String> {
        Some(Signature::read(packet)?.issuer()?.to_string())
    }

    #[test]
    fn a_signature_names_its_key() {
        let mut fingerprint = vec![22, ISSUER_FINGERPRINT, 4];
        fingerprint.extend([0xab; 20]);
        let mut id = vec![9, ISSUER];
        id.extend([0xcd; 8]);
        for kind in [ISSUER_FINGERPRINT, ISSUER_FINGERPRINT | CRITICAL] {
            fingerprint[1] = kind;
            let both = packet(&fingerprint, &id);
            assert_eq!(shown(&both), Some(format!("v4:{}", "AB".repeat(20))));
        }
        let old = packet(&[5, 2, 0, 0, 0, 0], &id);
        assert_eq!(shown(&old), Some(format!("keyid:{}", "CD".repeat(8))));
        assert_eq!(shown(&packet(&[], &[])), None);
        let mut oldest = vec![3, 5, 0, 1, 2, 3, 4];
        oldest.extend([0xef; 8]);
        oldest.extend([1, 8, 0, 0]);
        assert_eq!(
            shown(&whole(&oldest)),
            Some(format!("keyid:{}", "EF".repeat(8)))
        );
    }

    #[test]
    fn what_is_cut_names_nobody() {
        let mut id = vec![9, ISSUER];
        id.extend([0xcd; 8]);
        let packet = packet(&[], &id);
        assert!(shown(&packet).is_some());
        for length in 0..packet.len() {
            assert_eq!(shown(&packet[..length]), None, "{length}");
        }
        let key = [0x98, 1, 4];
        assert!(Signature::read(&key).is_none());
    }
}
