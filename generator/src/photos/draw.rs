//! Draws a product: the same picture for the same product, on every machine.
//!
//! Plain forms, light from the upper left, a soft shadow on a pale ground. Only additions, multiplications, divisions
//! and square roots are used, whose results are the same everywhere.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, Rgb, RgbImage};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::forms::{Form, Part, Stuff, parts};
use crate::catalogue::Item;

/// Width and height, pixels.
const SIDE: u32 = 480;
/// Quality of the JPEG.
const QUALITY: u8 = 86;
/// Pixels over which an edge goes from one colour to the other.
const EDGE: f32 = 1.5;
/// How far a picture's colours may be grained, of 255: like a photo, and not like a chart.
const GRAIN: f32 = 3.0;

type Colour = [f32; 3];

/// Colours of products: strong enough to be told apart in a list.
const COLOURS: [Colour; 12] = [
    [186.0, 60.0, 54.0],
    [214.0, 122.0, 48.0],
    [222.0, 172.0, 62.0],
    [128.0, 152.0, 66.0],
    [62.0, 128.0, 92.0],
    [54.0, 136.0, 146.0],
    [58.0, 104.0, 164.0],
    [84.0, 82.0, 148.0],
    [142.0, 82.0, 134.0],
    [196.0, 98.0, 118.0],
    [132.0, 104.0, 82.0],
    [98.0, 108.0, 120.0],
];
/// Colours of the ground.
const GROUNDS: [Colour; 4] =
    [[238.0, 236.0, 230.0], [228.0, 234.0, 238.0], [240.0, 232.0, 228.0], [230.0, 236.0, 228.0]];

/// The picture of a product as a JPEG.
pub(super) fn jpeg(item: &Item) -> Vec<u8> {
    let image = draw(item, SIDE);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(image.as_raw(), SIDE, SIDE, ExtendedColorType::Rgb8)
        .expect("a picture of this size has a JPEG, and memory takes it");
    bytes
}

fn draw(item: &Item, side: u32) -> RgbImage {
    let mut rng = ChaCha8Rng::from_seed(seed(item));
    let mut pick = |list: &[Colour]| {
        let place = rng.random_range(0..list.len());
        list.get(place).copied().unwrap_or([128.0; 3])
    };
    let palette = Palette { body: pick(&COLOURS), accent: pick(&COLOURS), ground: pick(&GROUNDS) };
    let parts = parts(item.thing);
    let mut grain = ChaCha8Rng::from_seed(seed(item));
    RgbImage::from_fn(side, side, |x, y| {
        let place = (unit(x, side), unit(y, side));
        let mut colour = ground(place, palette.ground);
        for part in &parts {
            let cover = cover(distance(part, place), side);
            if cover > 0.0 {
                colour = mix(colour, lit(part, place, palette.of(part.stuff)), cover);
            }
        }
        let noise = (grain.random::<f32>() - 0.5) * 2.0 * GRAIN;
        Rgb(colour.map(|channel| byte(channel + noise)))
    })
}

/// Repeats the product's id, which is all that a picture depends on beside the kind of thing.
fn seed(item: &Item) -> [u8; 32] {
    let id = item.product_id.uuid().into_bytes();
    let mut seed = [0; 32];
    for (place, byte) in seed.iter_mut().zip(id.iter().cycle()) {
        *place = *byte;
    }
    seed
}

struct Palette {
    body: Colour,
    accent: Colour,
    ground: Colour,
}

impl Palette {
    fn of(&self, stuff: Stuff) -> Colour {
        match stuff {
            Stuff::Body => self.body,
            Stuff::Shade => self.body.map(|channel| channel * 0.72),
            Stuff::Accent => self.accent,
            Stuff::Paper => [246.0, 243.0, 236.0],
            Stuff::Print => [92.0, 90.0, 88.0],
            Stuff::Metal => [176.0, 180.0, 184.0],
            Stuff::Wood => [178.0, 136.0, 92.0],
            Stuff::Dark => [46.0, 46.0, 50.0],
        }
    }
}

/// A pixel's place from -1 to 1.
fn unit(pixel: u32, side: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "some hundred pixels")]
    let (pixel, side) = (pixel as f32, side as f32);
    (pixel + 0.5) / side * 2.0 - 1.0
}

/// Pale, lighter in the middle, with the shadow of what stands on it.
fn ground((x, y): (f32, f32), colour: Colour) -> Colour {
    let from_middle = x * x + y * y;
    let shadow = {
        let (dx, dy) = ((x - 0.06) / 0.72, (y - 0.74) / 0.12);
        (1.0 - (dx * dx + dy * dy)).max(0.0)
    };
    colour.map(|channel| channel * (1.0 - 0.05 * from_middle) * (1.0 - 0.28 * shadow))
}

/// How far a place lies outside of a part, below 0 inside; about, for an ellipse.
fn distance(part: &Part, (x, y): (f32, f32)) -> f32 {
    let (x, y) = (x - part.at.0, y - part.at.1);
    let corner = |half_x: f32, half_y: f32, round: f32| {
        let (dx, dy) = (x.abs() - half_x + round, y.abs() - half_y + round);
        let (outside_x, outside_y) = (dx.max(0.0), dy.max(0.0));
        (outside_x * outside_x + outside_y * outside_y).sqrt() + dx.max(dy).min(0.0) - round
    };
    match part.form {
        Form::Box(half_x, half_y, round) => corner(half_x, half_y, round),
        Form::Oval(half_x, half_y) => {
            let scaled = ((x / half_x) * (x / half_x) + (y / half_y) * (y / half_y)).sqrt();
            (scaled - 1.0) * half_x.min(half_y)
        }
        Form::Cone(top, bottom, half_y) => {
            let down = (0.5 + 0.5 * y / half_y).clamp(0.0, 1.0);
            corner(top + (bottom - top) * down, half_y, 0.0)
        }
        Form::Ring(radius, band) => ((x * x + y * y).sqrt() - radius).abs() - band,
        Form::Arch(radius, band) => (((x * x + y * y).sqrt() - radius).abs() - band).max(y),
    }
}

/// How much of a pixel at this distance is covered, 0 to 1.
fn cover(distance: f32, side: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "some hundred pixels")]
    let pixels = distance * side as f32 / 2.0;
    (0.5 - pixels / EDGE).clamp(0.0, 1.0)
}

/// Lighter to the left, where the light is, with a bright stripe.
fn lit(part: &Part, (x, y): (f32, f32), colour: Colour) -> Colour {
    let half = match part.form {
        Form::Box(half, ..) | Form::Oval(half, _) => half,
        Form::Cone(top, bottom, _) => top.max(bottom),
        Form::Ring(radius, _) | Form::Arch(radius, _) => radius,
    };
    let across = ((x - part.at.0) / half.max(0.01)).clamp(-1.0, 1.0);
    let stripe = (1.0 - ((across + 0.55) / 0.18) * ((across + 0.55) / 0.18)).max(0.0);
    let light = 1.06 - 0.16 * across - 0.06 * y;
    mix(colour.map(|channel| channel * light), [255.0; 3], 0.16 * stripe)
}

fn mix(below: Colour, above: Colour, cover: f32) -> Colour {
    let mut mixed = below;
    for (channel, above) in mixed.iter_mut().zip(above) {
        *channel += (above - *channel) * cover;
    }
    mixed
}

fn byte(channel: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = channel.clamp(0.0, 255.0) as u8;
    byte
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::catalogue::items;

    #[test]
    fn a_product_has_one_picture_and_two_have_two() {
        let pictures: Vec<_> = items(1, 3).map(|item| jpeg(&item)).collect();
        assert_eq!(pictures, items(1, 3).map(|item| jpeg(&item)).collect::<Vec<_>>());
        assert_eq!(pictures.iter().collect::<HashSet<_>>().len(), 3);
        assert!(pictures.iter().all(|jpeg| (8_000..80_000).contains(&jpeg.len())), "a photo's size");
    }

    #[test]
    fn there_is_something_in_each_picture() {
        let mut seen = HashSet::new();
        for item in items(1, 400).filter(|item| seen.insert(item.thing)) {
            let image = draw(&item, 96);
            let corner = image.get_pixel(3, 3).0;
            let far = |pixel: &Rgb<u8>| pixel.0.iter().zip(corner).any(|(a, b)| a.abs_diff(b) > 40);
            let covered = image.pixels().filter(|pixel| far(pixel)).count();
            let all = 96 * 96;
            assert!((all / 30..all * 3 / 4).contains(&covered), "{}: {covered} of {all}", item.thing);
        }
        assert!(seen.len() > 45, "{} kinds of things", seen.len());
    }
}
