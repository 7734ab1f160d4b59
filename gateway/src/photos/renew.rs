//! Decodes what was uploaded and encodes it anew: what is stored is a picture and nothing else.
//!
//! Metadata, colour profiles, hidden payloads and whatever follows the picture are gone afterwards; an orientation that
//! the metadata asked for is applied. The kind stays what it was as long as it serves: a lossy WebP becomes a JPEG (it
//! would be many times as large without loss), and so does what would be too large otherwise, if it is opaque. A picture
//! that is too large even then is made smaller.
//!
//! Nothing is believed before it is measured: the header tells what decoding will cost before anything is decoded.

use std::io::{self, Cursor, Write};

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::whole;
use crate::picture::{MediaType, Picture};

/// Most bytes of an upload, and of what is stored.
pub(super) const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Most pixels.
const MAX_PIXELS: u64 = 40_000_000;
/// Most bytes of a decoded picture; 40 megapixels of 8 bits in four channels fit.
const MAX_DECODED: u64 = 192 * 1024 * 1024;
/// Most bytes that a PNG's decoder may take beside the picture: rows at work, and chunks that are unpacked and thrown away.
const MAX_BESIDE: u64 = 16 * 1024 * 1024;
/// Quality of a JPEG: differences can't be seen at arm's length.
const JPEG_QUALITY: u8 = 85;
/// What each step makes a picture smaller by, per side, when it does not fit.
const SMALLER: (u32, u32) = (7, 10);

/// Why an upload is not taken; the text is the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More bytes, pixels or memory than may be.
    #[error("{0}")]
    TooLarge(String),
    /// Not of a kind that is taken, or not of the one that it says.
    #[error("{0}")]
    Unsupported(String),
    /// No whole picture.
    #[error("{0}")]
    Broken(String),
}

/// A picture as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renewed {
    pub(super) picture: Picture,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The kind of an upload, which must be the one that it `claims`.
pub(super) fn kind(claims: Option<&str>, bytes: &[u8]) -> Result<MediaType, Refused> {
    const TAKEN: &str = "must be image/jpeg, image/png or image/webp";
    let Some(claims) = claims else { return Err(Refused::Unsupported(format!("Content-Type {TAKEN}"))) };
    // parameters behind the name change nothing
    let name = claims.split(';').next().unwrap_or_default().trim();
    let Some(kind) = MediaType::of_name(name) else {
        return Err(Refused::Unsupported(format!("Content-Type {TAKEN}")));
    };
    match MediaType::of_bytes(bytes) {
        Some(found) if found == kind => Ok(kind),
        Some(found) => Err(Refused::Unsupported(format!(
            "Content-Type says {}, the bytes are {}",
            kind.as_str(),
            found.as_str()
        ))),
        None => Err(Refused::Unsupported(format!(
            "the bytes are no picture: they {TAKEN}, and Content-Type says {}",
            kind.as_str()
        ))),
    }
}

/// Memory that [`renew`] will take at most, bytes, as far as the header tells.
pub(super) fn measure(kind: MediaType, bytes: &[u8]) -> Result<u64, Refused> {
    let structure = whole::read(kind, bytes)?;
    let decoder = decoder(kind, bytes)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Refused::Broken("it has no pixels".into()));
    }
    if pixels > MAX_PIXELS {
        let rule = format!("{width} × {height} pixels are more than {MAX_PIXELS}");
        return Err(Refused::TooLarge(rule));
    }
    let raw = decoder.total_bytes();
    if raw > MAX_DECODED {
        let rule = format!("{raw} bytes of decoded picture are more than {MAX_DECODED}");
        return Err(Refused::TooLarge(rule));
    }
    // what the decoder and the encoder keep beside the picture, a pixel
    let beside = match kind {
        MediaType::Jpeg if structure.progressive => 6 + 1,
        MediaType::Jpeg => 1,
        // 16 bits become 8; a copy without alpha
        MediaType::Png => 4,
        MediaType::WebP => 8,
    };
    Ok(raw + pixels * beside)
}

/// Decodes and encodes anew.
pub(super) fn renew(kind: MediaType, bytes: &[u8]) -> Result<Renewed, Refused> {
    let lossy = whole::read(kind, bytes)?.lossy;
    let mut decoder = decoder(kind, bytes)?;
    let orientation = decoder.orientation().map_err(|error| broken(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    image.apply_orientation(orientation);
    let mut image = eight_bits(image);
    let opaque = !image.color().has_alpha();
    loop {
        let own = if lossy && opaque { MediaType::Jpeg } else { kind };
        let kinds = [own, MediaType::Jpeg];
        for kind in kinds.into_iter().take(if opaque && own != MediaType::Jpeg { 2 } else { 1 }) {
            if let Some(bytes) = encode(&image, kind)? {
                let (width, height) = (image.width(), image.height());
                return Ok(Renewed { picture: Picture::new(kind, bytes.into()), width, height });
            }
        }
        let smaller = |side: u32| (side / SMALLER.1 * SMALLER.0).max(1);
        image = image.thumbnail(smaller(image.width()), smaller(image.height()));
    }
}

fn decoder(kind: MediaType, bytes: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, Refused> {
    let limits = |bytes| {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(bytes);
        limits
    };
    let bytes = Cursor::new(bytes);
    let decoder: Result<Box<dyn ImageDecoder + '_>, ImageError> = match kind {
        MediaType::Jpeg => JpegDecoder::new(bytes).map(|decoder| Box::new(decoder) as _),
        MediaType::Png => {
            PngDecoder::with_limits(bytes, limits(MAX_BESIDE)).map(|decoder| Box::new(decoder) as _)
        }
        MediaType::WebP => WebPDecoder::new(bytes).map(|decoder| Box::new(decoder) as _),
    };
    let mut decoder = decoder.map_err(|error| broken(&error))?;
    decoder.set_limits(limits(MAX_DECODED)).map_err(|error| broken(&error))?;
    Ok(decoder)
}

fn broken(error: &ImageError) -> Refused {
    match error {
        ImageError::Limits(error) => Refused::TooLarge(format!("it needs too much memory: {error}")),
        error => Refused::Broken(format!("it can't be decoded: {error}")),
    }
}

/// The same with 8 bits a channel.
fn eight_bits(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma16(_) => image.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => image.into_luma_alpha8().into(),
        DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => image.into_rgb8().into(),
        DynamicImage::ImageRgba16(_) | DynamicImage::ImageRgba32F(_) => image.into_rgba8().into(),
        other => other,
    }
}

/// The picture as `kind`; none when it takes more bytes than may be stored.
fn encode(image: &DynamicImage, kind: MediaType) -> Result<Option<Vec<u8>>, Refused> {
    let mut out = Bounded { bytes: Vec::new(), full: false };
    let done = match kind {
        MediaType::Jpeg => image.write_with_encoder(JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)),
        MediaType::Png => image.write_with_encoder(PngEncoder::new_with_quality(
            &mut out,
            CompressionType::Default,
            FilterType::Adaptive,
        )),
        MediaType::WebP => image.write_with_encoder(WebPEncoder::new_lossless(&mut out)),
    };
    match done {
        _ if out.full => Ok(None),
        Ok(()) => Ok(Some(out.bytes)),
        Err(error) => Err(Refused::Broken(format!("it can't be encoded: {error}"))),
    }
}

/// Takes no more than may be stored.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.full || self.bytes.len() + more.len() > MAX_BYTES {
            self.full = true;
            return Err(io::Error::other("the picture takes too many bytes"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, Rgb, RgbImage, Rgba};

    use super::*;

    fn written(image: &DynamicImage, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Every pixel another: as many bytes as a picture can take.
    fn noise(width: u32, height: u32) -> DynamicImage {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        RgbImage::from_fn(width, height, |_, _| Rgb([next(), next(), next()])).into()
    }

    fn renewed(kind: MediaType, bytes: &[u8]) -> Result<Renewed, Refused> {
        measure(kind, bytes)?;
        renew(kind, bytes)
    }

    #[test]
    fn each_kind_comes_back_as_the_same_picture() {
        let picture: DynamicImage =
            ImageBuffer::from_fn(40, 30, |x, y| Rgba([200, x.to_le_bytes()[0], 9, 255 - y.to_le_bytes()[0]]))
                .into();
        for (kind, format) in
            [(MediaType::Png, image::ImageFormat::Png), (MediaType::WebP, image::ImageFormat::WebP)]
        {
            let renewed = renewed(kind, &written(&picture, format)).unwrap();
            assert_eq!((renewed.width, renewed.height, renewed.picture.media_type), (40, 30, kind));
            let back = image::load_from_memory_with_format(&renewed.picture.bytes, format).unwrap();
            assert_eq!(back, picture, "without loss, {kind:?}");
        }
        let gray: DynamicImage = ImageBuffer::from_pixel(40, 30, Luma([77_u8])).into();
        let renewed = renewed(MediaType::Jpeg, &written(&gray, image::ImageFormat::Jpeg)).unwrap();
        assert_eq!(renewed.picture.media_type, MediaType::Jpeg);
        let back = image::load_from_memory(&renewed.picture.bytes).unwrap();
        assert!(back.into_luma8().pixels().all(|pixel| pixel.0[0].abs_diff(77) < 3));
    }

    #[test]
    fn what_is_not_the_picture_is_gone() {
        let mut jpeg = written(&noise(16, 16), image::ImageFormat::Jpeg);
        let comment = b"\xff\xfe\0\x0esecret words";
        jpeg.splice(2..2, comment.iter().copied());
        jpeg.extend(b"PK\x03\x04 an archive behind the picture");
        let renewed = renewed(MediaType::Jpeg, &jpeg).unwrap().picture.bytes;
        let holds = |text: &[u8]| renewed.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"secret") && !holds(b"archive"));
    }

    #[test]
    fn an_end_that_comes_too_early_is_noticed_wherever_it_is() {
        for (kind, format) in [
            (MediaType::Jpeg, image::ImageFormat::Jpeg),
            (MediaType::Png, image::ImageFormat::Png),
            (MediaType::WebP, image::ImageFormat::WebP),
        ] {
            let whole = written(&noise(64, 64), format);
            for end in (12..whole.len() - 1).step_by(whole.len() / 50) {
                let refused = renewed(kind, &whole[..end]).unwrap_err();
                assert!(matches!(refused, Refused::Broken(_)), "{kind:?} to {end}: {refused:?}");
            }
        }
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let deep: DynamicImage = ImageBuffer::from_pixel(8, 8, Rgb([0xffff_u16, 0x8000, 0])).into();
        let renewed = renewed(MediaType::Png, &written(&deep, image::ImageFormat::Png)).unwrap();
        let back = image::load_from_memory(&renewed.picture.bytes).unwrap();
        assert_eq!(back.color(), image::ColorType::Rgb8);
        assert_eq!(back.into_rgb8().get_pixel(0, 0).0, [255, 128, 0]);
    }

    #[test]
    fn a_picture_that_does_not_fit_becomes_a_jpeg() {
        let png = written(&noise(1_600, 1_200), image::ImageFormat::Png);
        assert!(png.len() > MAX_BYTES);
        let renewed = renewed(MediaType::Png, &png).unwrap();
        assert_eq!((renewed.picture.media_type, renewed.width), (MediaType::Jpeg, 1_600));
        assert!(renewed.picture.bytes.len() <= MAX_BYTES);
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_before_anything_is_decoded() {
        let png = |width: u32, height: u32| {
            let mut png = written(&noise(1, 1), image::ImageFormat::Png);
            png[16..20].copy_from_slice(&width.to_be_bytes());
            png[20..24].copy_from_slice(&height.to_be_bytes());
            let mut crc = crc32(&png[12..29]);
            png[29..33].swap_with_slice(&mut crc);
            png
        };
        assert!(matches!(measure(MediaType::Png, &png(30_000, 30_000)), Err(Refused::TooLarge(_))));
        assert!(matches!(measure(MediaType::Png, &png(40_000, 1_001)), Err(Refused::TooLarge(_))));
        assert_eq!(measure(MediaType::Png, &png(40_000, 1_000)), Ok(40_000_000 * 7));
        // the header alone is not the picture
        assert!(matches!(renew(MediaType::Png, &png(400, 100)), Err(Refused::Broken(_))));
    }

    /// CRC-32 as PNG has it (ISO 3309).
    fn crc32(bytes: &[u8]) -> [u8; 4] {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
        }
        (!crc).to_be_bytes()
    }

    #[test]
    fn a_kind_must_be_what_it_says() {
        let png = written(&noise(1, 1), image::ImageFormat::Png);
        assert_eq!(kind(Some("image/PNG; q=1"), &png), Ok(MediaType::Png));
        for (claims, bytes) in [
            (None, png.as_slice()),
            (Some("image/jpeg"), &png),
            (Some("image/gif"), b"GIF89a".as_slice()),
            (Some("text/html"), &png),
            (Some("image/png"), b"<svg/>"),
            (Some("image/png"), b""),
        ] {
            assert!(matches!(kind(claims, bytes), Err(Refused::Unsupported(_))), "{claims:?}");
        }
    }
}
