//! Whether a picture is all there, told from its structure.
//!
//! Decoders are lenient: of a JPEG that ends too early they make up the rest in grey. A shop should not store that, so
//! the end is looked for first. It is cheap: lengths are followed, nothing is decoded.

use super::renew::Refused;
use crate::picture::MediaType;

/// Most scans of a JPEG: a progressive one has about ten, and each costs a pass over the whole picture.
const MAX_SCANS: usize = 64;

/// What a picture's structure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Structure {
    /// Whether decoding holds all coefficients of the picture at once.
    pub(super) progressive: bool,
    /// Whether what the picture was made from is lost already.
    pub(super) lossy: bool,
}

/// The structure of a picture that has an end.
pub(super) fn read(kind: MediaType, bytes: &[u8]) -> Result<Structure, Refused> {
    let whole = match kind {
        MediaType::Jpeg => jpeg(bytes),
        MediaType::Png => png(bytes).map(Ok),
        MediaType::WebP => webp(bytes).map(Ok),
    };
    whole.unwrap_or_else(|| Err(Refused::Broken("it ends too early: upload the whole file".into())))
}

/// Follows the segments to the end of the image; none: there is no end.
fn jpeg(bytes: &[u8]) -> Option<Result<Structure, Refused>> {
    let mut rest = bytes.get(2..)?;
    let mut structure = Structure { lossy: true, ..Structure::default() };
    let mut scans = 0;
    loop {
        // a marker: 0xff (any number of them) and its code; what is no marker is skipped, as decoders do
        let at =
            rest.windows(2).position(|pair| matches!(pair, [0xff, code] if *code != 0 && *code != 0xff))?;
        let code = *rest.get(at + 1)?;
        rest = rest.get(at + 2..)?;
        match code {
            0xd9 => return Some(Ok(structure)),
            // no length: TEM, and restarts within a scan
            0x01 | 0xd0..=0xd8 => continue,
            0xc2 | 0xc6 | 0xca | 0xce => structure.progressive = true,
            0xda => scans += 1,
            _ => {}
        }
        if scans > MAX_SCANS {
            let rule = format!("it has more than {MAX_SCANS} scans");
            return Some(Err(Refused::Broken(rule)));
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        rest = rest.get(length.max(2)..)?;
    }
}

/// Follows the chunks to the last one.
fn png(bytes: &[u8]) -> Option<Structure> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let kind = rest.get(4..8)?;
        if kind == b"IEND" {
            return Some(Structure::default());
        }
        // length, kind, data, checksum
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

/// Compares the length that the file claims.
fn webp(bytes: &[u8]) -> Option<Structure> {
    let claimed = usize::try_from(u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?)).ok()?;
    bytes.get(..claimed.checked_add(8)?)?;
    Some(Structure { lossy: bytes.get(12..16)? == b"VP8 ", ..Structure::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = &[
        0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, 0xc2, 0, 2, 0xff, 0xda, 0, 3, 9, 7, 0xff, 0, 0xff,
        0xd1, 5, 0xff, 0xff, 0xd9,
    ];

    #[test]
    fn a_jpeg_ends_with_its_last_marker() {
        let found = read(MediaType::Jpeg, JPEG).unwrap();
        assert!(found.progressive && found.lossy);
        for end in 0..JPEG.len() {
            assert!(read(MediaType::Jpeg, &JPEG[..end]).is_err(), "an end within a segment is none: {end}");
        }
    }

    #[test]
    fn a_jpeg_of_endless_scans_is_refused() {
        let mut jpeg = vec![0xff, 0xd8];
        (0..=MAX_SCANS).for_each(|_| jpeg.extend([0xff, 0xda, 0, 2]));
        jpeg.extend([0xff, 0xd9]);
        assert!(matches!(read(MediaType::Jpeg, &jpeg), Err(Refused::Broken(rule)) if rule.contains("scans")));
    }

    #[test]
    fn a_png_ends_with_its_last_chunk() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x01tESt!\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
        assert!(read(MediaType::Png, png).is_ok());
        assert!((0..32).all(|end| read(MediaType::Png, &png[..end.min(png.len() - 5)]).is_err()));
        assert!(read(MediaType::Png, b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT").is_err());
    }

    #[test]
    fn a_webp_is_as_long_as_it_says() {
        let webp = b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0";
        assert!(read(MediaType::WebP, webp).unwrap().lossy);
        assert!(read(MediaType::WebP, &webp[..19]).is_err());
    }
}
