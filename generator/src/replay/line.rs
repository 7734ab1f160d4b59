//! One line of a recording becomes one change, or is told with its number, its field and the rule that it breaks.
//!
//! A recording is CSV with a header that names the columns, in any order, or JSON lines with the same names; its first
//! line says which. Other columns are ignored. A line is a change: a quoted line break inside a CSV field is not
//! supported, so that every change has one line number, and no line more than [`LONGEST`] bytes.

use chrono::{DateTime, Utc};
use schema::{Currency, Name, PriceMinor, ProductId, Stock};
use serde::Deserialize;
use serde_json::Value;

use crate::change::micros;

/// Longest line, bytes: as long as the longest event.
pub const LONGEST: usize = schema::topics::MAX_VALUE_BYTES;
/// Longest stock-keeping unit, characters.
const LONGEST_SKU: usize = 64;
/// The names of the columns, and of the JSON fields.
const COLUMNS: [&str; 6] = ["sku", "name", "price_minor", "currency", "stock", "occurred_at"];

/// A recorded change: the product's whole state after it, without a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Follows from the stock-keeping unit.
    pub product_id: ProductId,
    /// What the product is called.
    pub name: Name,
    /// Its price.
    pub price_minor: PriceMinor,
    /// The price's currency.
    pub currency: Currency,
    /// Pieces left.
    pub stock: Stock,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// A line that is no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {}{rule}", field.map(|f| format!("{f} ")).unwrap_or_default())]
pub struct BadLine {
    /// Its number, from 1.
    pub number: u64,
    /// The field that is wrong, where one is.
    pub field: Option<&'static str>,
    /// The rule that does not hold.
    pub rule: String,
}

/// How the lines of a recording are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Where each of the columns stands, and how many columns there are.
    Csv {
        /// By the order of `COLUMNS`.
        places: [usize; 6],
        /// How many fields a line must have.
        width: usize,
    },
    /// A JSON object a line.
    JsonLines,
}

/// The fields of one line, found but not judged.
trait Fields {
    fn text(&self, field: &'static str) -> Result<&str, String>;
    fn whole(&self, field: &'static str) -> Result<i64, String>;
}

impl Format {
    /// The format of a recording whose first line is `text`. JSON lines begin at once; a CSV header is no change.
    pub fn of(number: u64, text: &[u8]) -> Result<Self, BadLine> {
        if text.trim_ascii_start().starts_with(b"{") {
            return Ok(Self::JsonLines);
        }
        let header = csv_record(text).map_err(|rule| BadLine { number, field: None, rule })?;
        let width = header.len();
        let mut places = [0; 6];
        for (column, place) in COLUMNS.into_iter().zip(&mut places) {
            *place = header.iter().position(|name| name.trim() == column).ok_or_else(|| BadLine {
                number,
                field: Some(column),
                rule: format!("is not in the header; it must name {}", COLUMNS.join(",")),
            })?;
        }
        Ok(Self::Csv { places, width })
    }

    /// Reads one line that is not blank and not the header.
    pub fn parse(&self, number: u64, text: &[u8]) -> Result<Recorded, BadLine> {
        let whole_line = |rule| BadLine { number, field: None, rule };
        let judged = match self {
            Self::Csv { places, width } => {
                let record = csv_record(text).map_err(whole_line)?;
                if record.len() != *width {
                    return Err(whole_line(format!(
                        "must have {width} fields, as the header has, not {}",
                        record.len()
                    )));
                }
                judge(&CsvLine { record, places })
            }
            Self::JsonLines => {
                let line: JsonLine = serde_json::from_slice(text)
                    .map_err(|e| whole_line(format!("must be a JSON object: {}", without_place(&e))))?;
                judge(&line)
            }
        };
        judged.map_err(|(field, rule)| BadLine { number, field: Some(field), rule })
    }
}

/// Holds every field to its rule.
fn judge(line: &impl Fields) -> Result<Recorded, (&'static str, String)> {
    fn at<T, E: ToString>(field: &'static str, value: Result<T, E>) -> Result<T, (&'static str, String)> {
        value.map_err(|e| (field, e.to_string()))
    }
    let text = |field| at(field, line.text(field));
    let whole = |field| at(field, line.whole(field));
    Ok(Recorded {
        product_id: at("sku", sku(text("sku")?))?,
        name: at("name", Name::try_from(text("name")?))?,
        price_minor: at("price_minor", PriceMinor::try_from(whole("price_minor")?))?,
        currency: at("currency", Currency::try_from(text("currency")?))?,
        stock: at("stock", Stock::try_from(whole("stock")?))?,
        occurred_at: at("occurred_at", time(text("occurred_at")?))?,
    })
}

fn sku(text: &str) -> Result<ProductId, String> {
    let long = text.chars().count() > LONGEST_SKU;
    if text.is_empty() || long || text.trim() != text || text.contains(char::is_control) {
        return Err(format!(
            "must have 1 to {LONGEST_SKU} characters, no space around them and no control character"
        ));
    }
    Ok(ProductId::from_sku(text))
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "must be a time of RFC 3339, such as 2026-11-21T09:30:00Z".to_owned())?;
    Ok(micros(time.to_utc()))
}

struct CsvLine<'a> {
    record: csv::StringRecord,
    places: &'a [usize; 6],
}

impl Fields for CsvLine<'_> {
    fn text(&self, field: &'static str) -> Result<&str, String> {
        let place = COLUMNS.iter().position(|column| *column == field).and_then(|c| self.places.get(c));
        place.and_then(|place| self.record.get(*place)).ok_or_else(|| "is not there".to_owned())
    }

    fn whole(&self, field: &'static str) -> Result<i64, String> {
        self.text(field)?.parse().map_err(|_| "must be a whole number".to_owned())
    }
}

fn csv_record(text: &[u8]) -> Result<csv::StringRecord, String> {
    let mut record = csv::StringRecord::new();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1024).from_reader(text);
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record),
        Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => Err("must be UTF-8".to_owned()),
        Err(error) => Err(format!("must be CSV: {error}")),
    }
}

/// A JSON line; a field that stands twice is refused by the derived reader.
#[derive(Deserialize)]
struct JsonLine {
    sku: Option<Value>,
    name: Option<Value>,
    price_minor: Option<Value>,
    currency: Option<Value>,
    stock: Option<Value>,
    occurred_at: Option<Value>,
}

impl JsonLine {
    fn value(&self, field: &'static str) -> Result<&Value, String> {
        let value = match field {
            "sku" => &self.sku,
            "name" => &self.name,
            "price_minor" => &self.price_minor,
            "currency" => &self.currency,
            "stock" => &self.stock,
            _ => &self.occurred_at,
        };
        value.as_ref().ok_or_else(|| "is not there".to_owned())
    }
}

impl Fields for JsonLine {
    fn text(&self, field: &'static str) -> Result<&str, String> {
        self.value(field)?.as_str().ok_or_else(|| "must be a string".to_owned())
    }

    fn whole(&self, field: &'static str) -> Result<i64, String> {
        self.value(field)?.as_i64().ok_or_else(|| "must be a whole number".to_owned())
    }
}

/// The reader's own "at line 1 column 5" would contradict the line number of the recording.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,name,price_minor,currency,stock,occurred_at";

    fn csv(line: &str) -> Result<Recorded, String> {
        let format = Format::of(1, HEADER.as_bytes()).unwrap();
        format.parse(2, line.as_bytes()).map_err(|bad| bad.to_string())
    }

    fn json(line: &str) -> Result<Recorded, String> {
        let format = Format::of(1, line.as_bytes()).unwrap();
        format.parse(1, line.as_bytes()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let from_csv = csv("A-1,\"Tea, green\",499,EUR,12,2026-11-21T10:30:00+01:00").unwrap();
        let from_json = json(
            r#"{"sku":"A-1","name":"Tea, green","price_minor":499,"currency":"EUR","stock":12,"occurred_at":"2026-11-21T09:30:00Z"}"#,
        )
        .unwrap();
        assert_eq!(from_csv, from_json);
        assert_eq!(from_csv.product_id, ProductId::from_sku("A-1"));
    }

    #[test]
    fn columns_may_stand_in_any_order_beside_others() {
        let format = Format::of(1, b"note,stock,sku,occurred_at,currency,price_minor,name").unwrap();
        let line = format.parse(2, b"x,12,A-1,2026-11-21T09:30:00Z,EUR,499,Tea").unwrap();
        assert_eq!((line.stock.get(), line.price_minor.get(), line.name.as_str()), (12, 499, "Tea"));
    }

    #[test]
    fn a_header_without_a_column_is_refused() {
        let bad = Format::of(1, b"sku,name,price_minor,currency,stock").unwrap_err();
        assert_eq!((bad.number, bad.field), (1, Some("occurred_at")));
        assert!(Format::of(1, b"\xff\xfe").is_err());
    }

    #[test]
    fn a_bad_csv_line_names_its_number_field_and_rule() {
        let time = "2026-11-21T09:30:00Z";
        for (line, told) in [
            (format!(",Tea,499,EUR,12,{time}"), "line 2: sku must have 1 to 64 characters"),
            (format!(" A,Tea,499,EUR,12,{time}"), "line 2: sku must have 1 to 64 characters"),
            (format!("A,,499,EUR,12,{time}"), "line 2: name must have 1 to 200 characters, not 0"),
            (format!("A,Tea,4.99,EUR,12,{time}"), "line 2: price_minor must be a whole number"),
            (
                format!("A,Tea,-1,EUR,12,{time}"),
                "line 2: price_minor must be a whole number from 0 to 1000000000000",
            ),
            (format!("A,Tea,499,Euro,12,{time}"), "line 2: currency must be a three-letter code"),
            (
                format!("A,Tea,499,EUR,3000000000,{time}"),
                "line 2: stock must be a whole number from 0 to 2147483647",
            ),
            ("A,Tea,499,EUR,12,yesterday".to_owned(), "line 2: occurred_at must be a time of RFC 3339"),
            ("A,Tea,499".to_owned(), "line 2: must have 6 fields, as the header has, not 3"),
        ] {
            let told_now = csv(&line).unwrap_err();
            assert!(told_now.starts_with(told), "{line}: {told_now}");
        }
        let format = Format::of(1, HEADER.as_bytes()).unwrap();
        assert_eq!(format.parse(7, b"A,\xff,1,EUR,1,x").unwrap_err().to_string(), "line 7: must be UTF-8");
    }

    #[test]
    fn a_bad_json_line_names_its_number_field_and_rule() {
        for (line, told) in [
            (r#"{"sku":"A""#, "line 1: must be a JSON object: EOF while parsing an object"),
            (r#"{"sku":"A","sku":"B"}"#, "line 1: must be a JSON object: duplicate field `sku`"),
            (r#"{"sku":7}"#, "line 1: sku must be a string"),
            (r#"{"sku":"A","name":"Tea","price_minor":"499"}"#, "line 1: price_minor must be a whole number"),
            (r#"{"sku":"A","name":"Tea"}"#, "line 1: price_minor is not there"),
        ] {
            assert_eq!(json(line).unwrap_err(), told, "{line}");
        }
    }
}
