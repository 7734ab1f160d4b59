//! The words and prices that the catalogue is made of.

/// A kind of product.
pub(super) struct Thing {
    /// First letters of the stock-keeping unit: the department.
    pub(super) department: &'static str,
    /// What it is called.
    pub(super) name: &'static str,
    /// What it comes in.
    pub(super) kinds: &'static [&'static str],
    /// Lowest and highest price, euro.
    pub(super) euros: (f64, f64),
}

/// Code, percent of the products, and about what one euro is worth in it.
pub(super) const CURRENCIES: [(&str, u32, f64); 6] = [
    ("EUR", 87, 1.0),
    ("GBP", 4, 0.85),
    ("CHF", 3, 0.95),
    ("SEK", 2, 11.0),
    ("PLN", 2, 4.3),
    ("JPY", 2, 165.0),
];

/// Made-up makers.
pub(super) const BRANDS: &[&str] = &[
    "Alba",
    "Bergauf",
    "Calida",
    "Corvo",
    "Dorn",
    "Eskil",
    "Fjord & Sohn",
    "Gaia",
    "Halma",
    "Isarwerk",
    "Juno",
    "Kestrel",
    "Lumen",
    "Marlow",
    "Nordlys",
    "Oriel",
    "Pellegro",
    "Quint",
    "Rivage",
    "Solvang",
    "Tarn",
    "Ulmia",
    "Vireo",
    "Wendel",
];

/// What makers say of their things.
pub(super) const QUALITIES: &[&str] =
    &["Classic", "Nature", "Everyday", "Premium", "Original", "Family", "Select", "Pure", "Village", "No. 5"];

const PACKED: &[&str] = &["250 g", "400 g", "500 g", "1 kg"];
const JARS: &[&str] = &["250 g", "340 g", "450 g"];
const BOTTLES: &[&str] = &["330 ml", "500 ml", "750 ml", "1 l"];
const SIZES: &[&str] = &["S", "M", "L", "XL"];
const SHOES: &[&str] = &["38", "39", "40", "41", "42", "43", "44"];
const COLOURS: &[&str] = &["black", "white", "grey", "green", "red"];
const SMALL_LARGE: &[&str] = &["small", "medium", "large"];
const PANS: &[&str] = &["20 cm", "24 cm", "28 cm"];
const PIECES: &[&str] = &["50 pieces", "100 pieces", "500 pieces"];
const AGES: &[&str] = &["age 3+", "age 6+", "age 8+"];
const SETS: &[&str] = &["single", "set of 2", "set of 4"];

const fn thing(
    department: &'static str,
    name: &'static str,
    kinds: &'static [&'static str],
    low: f64,
    high: f64,
) -> Thing {
    Thing { department, name, kinds, euros: (low, high) }
}

/// The kinds of products.
pub(super) const THINGS: &[Thing] = &[
    thing("GRO", "Espresso Beans", PACKED, 4.5, 24.0),
    thing("GRO", "Wholegrain Penne", PACKED, 0.9, 3.5),
    thing("GRO", "Basmati Rice", PACKED, 1.5, 6.0),
    thing("GRO", "Rolled Oats", PACKED, 0.8, 3.0),
    thing("GRO", "Red Lentils", PACKED, 1.2, 4.5),
    thing("GRO", "Muesli", PACKED, 2.0, 7.0),
    thing("GRO", "Forest Honey", JARS, 3.5, 11.0),
    thing("GRO", "Apricot Jam", JARS, 1.6, 5.0),
    thing("GRO", "Olive Oil", BOTTLES, 4.0, 19.0),
    thing("DRK", "Apple Juice", BOTTLES, 0.9, 3.5),
    thing("DRK", "Sparkling Water", BOTTLES, 0.4, 1.5),
    thing("DRK", "Oat Drink", &["1 l"], 1.0, 2.6),
    thing("DRK", "Ginger Lemonade", BOTTLES, 1.0, 3.0),
    thing("DRK", "Riesling", &["750 ml"], 4.5, 22.0),
    thing("DRK", "Earl Grey Tea", &["25 bags", "50 bags", "100 g loose"], 1.8, 9.0),
    thing("HOM", "Bath Towel", SETS, 6.0, 39.0),
    thing("HOM", "Storage Box", SMALL_LARGE, 4.0, 29.0),
    thing("HOM", "Candle", SETS, 2.0, 19.0),
    thing("HOM", "Picture Frame", &["13 × 18 cm", "20 × 30 cm", "A3"], 3.0, 34.0),
    thing("HOM", "Wool Blanket", COLOURS, 29.0, 149.0),
    thing("HOM", "Door Mat", SMALL_LARGE, 7.0, 35.0),
    thing("KIT", "Frying Pan", PANS, 14.0, 89.0),
    thing("KIT", "Casserole", PANS, 25.0, 179.0),
    thing("KIT", "Bread Knife", &["steel", "oak handle"], 9.0, 79.0),
    thing("KIT", "Kettle", COLOURS, 19.0, 99.0),
    thing("KIT", "Chopping Board", &["oak", "bamboo", "olive wood"], 8.0, 49.0),
    thing("KIT", "Coffee Grinder", COLOURS, 24.0, 199.0),
    thing("ELE", "Headphones", COLOURS, 19.0, 329.0),
    thing("ELE", "Desk Lamp", COLOURS, 19.0, 129.0),
    thing("ELE", "Power Bank", &["5,000 mAh", "10,000 mAh", "20,000 mAh"], 12.0, 59.0),
    thing("ELE", "USB-C Charger", &["20 W", "45 W", "65 W"], 9.0, 59.0),
    thing("ELE", "Wireless Mouse", COLOURS, 12.0, 89.0),
    thing("ELE", "Bluetooth Speaker", COLOURS, 19.0, 199.0),
    thing("ELE", "E-Reader", &["16 GB", "32 GB"], 99.0, 249.0),
    thing("CLO", "Merino Socks", SHOES, 7.0, 22.0),
    thing("CLO", "T-Shirt", SIZES, 8.0, 35.0),
    thing("CLO", "Rain Jacket", SIZES, 39.0, 179.0),
    thing("CLO", "Linen Shirt", SIZES, 25.0, 89.0),
    thing("CLO", "Wool Hat", COLOURS, 9.0, 39.0),
    thing("CLO", "Running Shoes", SHOES, 49.0, 169.0),
    thing("TOY", "Wooden Train", AGES, 9.0, 79.0),
    thing("TOY", "Puzzle", PIECES, 5.0, 25.0),
    thing("TOY", "Building Blocks", PIECES, 9.0, 69.0),
    thing("TOY", "Teddy Bear", SMALL_LARGE, 8.0, 45.0),
    thing("TOY", "Card Game", AGES, 5.0, 19.0),
    thing("TOY", "Marble Run", PIECES, 15.0, 99.0),
    thing("GAR", "Watering Can", &["5 l", "10 l"], 6.0, 45.0),
    thing("GAR", "Hand Trowel", &["steel", "copper"], 4.0, 29.0),
    thing("GAR", "Herb Seeds", &["basil", "parsley", "chives", "dill"], 1.2, 4.0),
    thing("GAR", "Plant Pot", &["12 cm", "18 cm", "30 cm"], 2.0, 39.0),
    thing("GAR", "Garden Hose", &["10 m", "15 m", "25 m"], 12.0, 69.0),
    thing("GAR", "Work Gloves", SIZES, 3.0, 19.0),
    thing("GAR", "Secateurs", &["steel", "with holster"], 12.0, 69.0),
];
