//! What things look like: each is put together from a few plain forms.
//!
//! Places and sizes are in a square from -1 to 1, y downwards; what comes later lies above what came before.

/// A form, around its own middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// A rectangle of this half width and half height, with round corners.
    Box(f32, f32, f32),
    /// An ellipse of this half width and half height.
    Oval(f32, f32),
    /// Half width at the top and at the bottom, half height.
    Cone(f32, f32, f32),
    /// Radius and half width of the band.
    Ring(f32, f32),
    /// The upper half of a ring.
    Arch(f32, f32),
}

/// What a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuff {
    /// The product's own colour.
    Body,
    /// A darker shade of it.
    Shade,
    /// Its second colour.
    Accent,
    /// Paper.
    Paper,
    /// Print on paper.
    Print,
    /// Steel.
    Metal,
    /// Wood.
    Wood,
    /// Nearly black.
    Dark,
}

/// One part of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) at: (f32, f32),
    pub(super) form: Form,
    pub(super) stuff: Stuff,
}

const fn part(x: f32, y: f32, form: Form, stuff: Stuff) -> Part {
    Part { at: (x, y), form, stuff }
}

use Form::{Arch, Box, Cone, Oval, Ring};
use Stuff::{Accent, Body, Dark, Metal, Paper, Print, Shade, Wood};

/// A label with an emblem and three lines of print.
const fn label(y: f32, width: f32) -> [Part; 5] {
    [
        part(0.0, y, Box(width, 0.24, 0.03), Paper),
        part(0.0, y - 0.1, Oval(0.07, 0.07), Accent),
        part(0.0, y + 0.04, Box(width * 0.7, 0.022, 0.01), Print),
        part(0.0, y + 0.11, Box(width * 0.5, 0.014, 0.01), Print),
        part(0.0, y + 0.16, Box(width * 0.6, 0.014, 0.01), Print),
    ]
}

/// The parts of a thing, from the back to the front.
#[expect(clippy::too_many_lines, reason = "a list: one entry a kind of thing")]
pub(super) fn parts(thing: &str) -> Vec<Part> {
    match thing {
        "Olive Oil" | "Apple Juice" | "Sparkling Water" | "Ginger Lemonade" | "Riesling" => labelled(
            &[
                part(0.0, -0.5, Box(0.1, 0.28, 0.04), Body),
                part(0.0, -0.76, Box(0.115, 0.06, 0.02), Accent),
                part(0.0, -0.22, Oval(0.26, 0.24), Body),
                part(0.0, 0.28, Box(0.26, 0.5, 0.07), Body),
            ],
            label(0.28, 0.25),
        ),
        "Forest Honey" | "Apricot Jam" | "Candle" => labelled(
            &[
                part(0.0, 0.14, Box(0.38, 0.46, 0.14), Body),
                part(0.0, -0.4, Box(0.34, 0.1, 0.03), Metal),
                part(0.0, -0.47, Box(0.34, 0.025, 0.01), Shade),
            ],
            label(0.18, 0.33),
        ),
        "Espresso Beans" | "Wholegrain Penne" | "Basmati Rice" | "Rolled Oats" | "Red Lentils" | "Muesli"
        | "Herb Seeds" => labelled(
            &[
                part(0.0, 0.08, Box(0.42, 0.62, 0.08), Body),
                part(0.0, -0.5, Box(0.42, 0.07, 0.02), Shade),
                part(0.0, -0.62, Box(0.36, 0.06, 0.02), Body),
            ],
            label(0.1, 0.32),
        ),
        "Earl Grey Tea" | "Oat Drink" | "Storage Box" | "Puzzle" | "Card Game" | "Building Blocks"
        | "Marble Run" | "Power Bank" | "USB-C Charger" => labelled(
            &[
                part(0.07, -0.46, Box(0.47, 0.12, 0.02), Shade),
                part(0.1, 0.1, Box(0.46, 0.56, 0.02), Shade),
                part(-0.03, 0.14, Box(0.46, 0.54, 0.02), Body),
                part(-0.03, -0.24, Box(0.46, 0.05, 0.0), Accent),
            ],
            label(0.2, 0.34),
        ),
        "Bath Towel" | "Wool Blanket" | "Door Mat" => (0..4)
            .flat_map(|fold: u8| {
                let y = 0.52 - 0.24 * f32::from(fold);
                let stuff = if fold.is_multiple_of(2) { Body } else { Shade };
                [
                    part(0.0, y, Box(0.66, 0.115, 0.1), stuff),
                    part(0.0, y + 0.05, Box(0.6, 0.012, 0.01), Accent),
                ]
            })
            .collect(),
        "T-Shirt" | "Linen Shirt" | "Rain Jacket" => vec![
            part(-0.48, -0.26, Box(0.2, 0.2, 0.09), Shade),
            part(0.48, -0.26, Box(0.2, 0.2, 0.09), Shade),
            part(0.0, 0.12, Box(0.42, 0.6, 0.08), Body),
            part(0.0, -0.47, Oval(0.18, 0.12), Paper),
            part(0.0, 0.14, Box(0.012, 0.5, 0.0), Shade),
            part(0.2, -0.1, Box(0.1, 0.1, 0.02), Accent),
        ],
        "Wool Hat" => vec![
            part(0.0, -0.02, Oval(0.5, 0.52), Body),
            part(0.0, 0.34, Box(0.56, 0.16, 0.07), Shade),
            part(0.0, -0.58, Oval(0.14, 0.14), Accent),
        ],
        "Merino Socks" | "Running Shoes" | "Work Gloves" => vec![
            part(-0.24, -0.2, Box(0.24, 0.42, 0.1), Body),
            part(0.06, 0.3, Box(0.54, 0.2, 0.18), Body),
            part(0.06, 0.46, Box(0.56, 0.06, 0.05), Paper),
            part(-0.24, -0.52, Box(0.25, 0.07, 0.03), Accent),
            part(0.1, 0.22, Box(0.2, 0.025, 0.02), Accent),
            part(0.2, 0.3, Box(0.2, 0.025, 0.02), Accent),
        ],
        "Frying Pan" | "Casserole" => vec![
            part(0.62, -0.02, Box(0.34, 0.06, 0.05), Wood),
            part(-0.18, 0.0, Oval(0.56, 0.56), Dark),
            part(-0.18, 0.0, Oval(0.48, 0.48), Metal),
            part(-0.18, 0.0, Oval(0.42, 0.42), Shade),
        ],
        "Bread Knife" | "Hand Trowel" | "Secateurs" => vec![
            part(0.0, -0.3, Cone(0.05, 0.17, 0.46), Metal),
            part(0.0, -0.3, Box(0.012, 0.4, 0.0), Shade),
            part(0.0, 0.2, Box(0.1, 0.06, 0.02), Metal),
            part(0.0, 0.5, Box(0.09, 0.32, 0.08), Wood),
            part(0.0, 0.74, Oval(0.03, 0.03), Dark),
        ],
        "Kettle" | "Watering Can" => vec![
            part(0.5, 0.0, Ring(0.26, 0.05), Dark),
            part(-0.48, -0.1, Cone(0.05, 0.13, 0.32), Shade),
            part(0.0, 0.12, Cone(0.3, 0.46, 0.5), Body),
            part(0.0, -0.42, Box(0.32, 0.05, 0.03), Shade),
            part(0.0, -0.5, Oval(0.07, 0.06), Accent),
        ],
        "Chopping Board" => vec![
            part(0.0, 0.16, Box(0.46, 0.58, 0.1), Wood),
            part(0.0, -0.56, Box(0.12, 0.22, 0.1), Wood),
            part(0.0, -0.64, Oval(0.05, 0.05), Paper),
            part(-0.2, 0.16, Box(0.006, 0.5, 0.0), Dark),
            part(0.16, 0.16, Box(0.006, 0.5, 0.0), Dark),
        ],
        "Headphones" => vec![
            part(0.0, 0.06, Arch(0.5, 0.05), Dark),
            part(-0.5, 0.16, Box(0.14, 0.26, 0.1), Body),
            part(0.5, 0.16, Box(0.14, 0.26, 0.1), Body),
            part(-0.42, 0.16, Box(0.06, 0.22, 0.05), Shade),
            part(0.42, 0.16, Box(0.06, 0.22, 0.05), Shade),
        ],
        "Desk Lamp" | "Coffee Grinder" => vec![
            part(0.0, 0.66, Oval(0.4, 0.09), Dark),
            part(0.0, 0.2, Box(0.03, 0.48, 0.02), Metal),
            part(0.0, -0.42, Cone(0.14, 0.48, 0.26), Body),
            part(0.0, -0.16, Oval(0.44, 0.05), Accent),
        ],
        "Wireless Mouse" | "Bluetooth Speaker" | "E-Reader" | "Picture Frame" => vec![
            part(0.0, 0.02, Box(0.44, 0.62, 0.12), Dark),
            part(0.0, -0.02, Box(0.37, 0.5, 0.04), Body),
            part(0.0, -0.2, Oval(0.2, 0.2), Accent),
            part(0.0, 0.24, Box(0.3, 0.02, 0.01), Paper),
            part(0.0, 0.32, Box(0.24, 0.02, 0.01), Paper),
            part(0.0, 0.56, Oval(0.03, 0.03), Metal),
        ],
        "Wooden Train" => vec![
            part(-0.1, 0.16, Box(0.5, 0.2, 0.08), Body),
            part(0.3, -0.1, Box(0.24, 0.4, 0.04), Accent),
            part(0.3, -0.16, Box(0.13, 0.12, 0.02), Paper),
            part(-0.4, -0.16, Box(0.08, 0.16, 0.02), Shade),
            part(-0.42, 0.44, Oval(0.15, 0.15), Dark),
            part(-0.02, 0.44, Oval(0.15, 0.15), Dark),
            part(0.36, 0.44, Oval(0.15, 0.15), Dark),
            part(-0.42, 0.44, Oval(0.05, 0.05), Wood),
            part(-0.02, 0.44, Oval(0.05, 0.05), Wood),
            part(0.36, 0.44, Oval(0.05, 0.05), Wood),
        ],
        "Teddy Bear" => vec![
            part(-0.3, -0.6, Oval(0.15, 0.15), Wood),
            part(0.3, -0.6, Oval(0.15, 0.15), Wood),
            part(0.0, 0.34, Oval(0.42, 0.42), Wood),
            part(-0.4, 0.2, Oval(0.14, 0.26), Wood),
            part(0.4, 0.2, Oval(0.14, 0.26), Wood),
            part(0.0, 0.38, Oval(0.26, 0.28), Paper),
            part(0.0, -0.34, Oval(0.38, 0.34), Wood),
            part(0.0, -0.22, Oval(0.16, 0.13), Paper),
            part(-0.14, -0.42, Oval(0.04, 0.04), Dark),
            part(0.14, -0.42, Oval(0.04, 0.04), Dark),
            part(0.0, -0.27, Oval(0.06, 0.04), Dark),
            part(0.0, 0.02, Box(0.2, 0.05, 0.04), Accent),
        ],
        "Garden Hose" => vec![
            part(0.0, 0.1, Ring(0.52, 0.07), Body),
            part(0.0, 0.06, Ring(0.44, 0.07), Shade),
            part(0.0, 0.02, Ring(0.36, 0.07), Body),
            part(0.0, -0.02, Ring(0.28, 0.07), Shade),
            part(0.5, 0.5, Box(0.2, 0.08, 0.05), Accent),
        ],
        "Plant Pot" => vec![
            part(-0.14, -0.5, Oval(0.12, 0.3), Accent),
            part(0.16, -0.46, Oval(0.12, 0.26), Accent),
            part(0.0, -0.56, Oval(0.1, 0.34), Accent),
            part(0.0, 0.3, Cone(0.44, 0.32, 0.4), Body),
            part(0.0, -0.08, Box(0.5, 0.09, 0.03), Shade),
        ],
        // whatever comes new to the catalogue comes in a plain box
        _ => labelled(&[part(0.0, 0.08, Box(0.5, 0.5, 0.04), Body)], label(0.1, 0.36)),
    }
}

fn labelled(parts: &[Part], label: [Part; 5]) -> Vec<Part> {
    parts.iter().copied().chain(label).collect()
}
