//! A product's photo as the database, the cache and clients have it.

use bytes::Bytes;
use schema::{PhotoHash, PhotoMark, PhotoRevision};
use sha2::{Digest as _, Sha256};

/// The kinds of pictures that are taken and served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    WebP,
}

/// A picture and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// SHA-256 of the bytes.
    pub hash: PhotoHash,
    /// What kind of picture it is.
    pub media_type: MediaType,
    /// The encoded picture.
    pub bytes: Bytes,
}

/// Which photo a product has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Counts what was stored and removed; 0: there was none yet.
    pub revision: PhotoRevision,
    /// The photo; none without one.
    pub picture: Option<Picture>,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::WebP];

    /// The name in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// The kind of this name, in either case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }

    /// The kind whose signature `bytes` begin with.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}

impl Picture {
    /// A picture of these bytes.
    pub fn new(media_type: MediaType, bytes: Bytes) -> Self {
        Self { hash: hash(&bytes), media_type, bytes }
    }
}

impl Photo {
    /// Without the picture.
    pub fn mark(&self) -> PhotoMark {
        PhotoMark { hash: self.picture.as_ref().map(|picture| picture.hash), revision: self.revision }
    }
}

fn hash(bytes: &[u8]) -> PhotoHash {
    PhotoHash::from(<[u8; 32]>::from(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_by_its_bytes() {
        let picture = Picture::new(MediaType::Png, Bytes::from_static(b"abc"));
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(picture.hash.to_string(), known, "FIPS 180-2, B.1");
    }

    #[test]
    fn a_kind_is_known_by_its_name_and_its_signature() {
        assert!(MediaType::ALL.iter().all(|kind| MediaType::of_name(kind.as_str()) == Some(*kind)));
        assert_eq!(MediaType::of_name("IMAGE/PNG"), Some(MediaType::Png));
        assert_eq!(MediaType::of_name("image/gif"), None);
        assert_eq!(MediaType::of_bytes(b"RIFF\x04\0\0\0WEBPVP8 "), Some(MediaType::WebP));
        assert_eq!(MediaType::of_bytes(b"GIF89a"), None);
        assert_eq!(MediaType::of_bytes(b""), None);
    }
}
