//! Parameters of a query, each checked against its rule where it enters.
//!
//! A name that an address does not know, or one that is given twice, is refused: a misspelt parameter must not pass for
//! an absent one.

use std::ops::RangeInclusive;

use actix_web::{HttpRequest, web};
use schema::{ProductId, Version};

use crate::problem::Problem;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query of `request`, which may hold the names of `known`.
    pub(crate) fn read(request: &HttpRequest, known: &'static [&'static str]) -> Result<Self, Problem> {
        Self::parse(request.query_string(), known)
    }

    fn parse(query: &str, known: &'static [&'static str]) -> Result<Self, Problem> {
        // a list of pairs takes any text
        let web::Query(pairs) = web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| Problem::InvalidParameter { field: "query", rule: error.to_string() })?;
        for (place, (name, _)) in pairs.iter().enumerate() {
            let Some(known_name) = known.iter().find(|known| *known == name) else {
                return Err(Problem::UnknownParameter { field: Problem::echo(name), known });
            };
            if pairs.iter().take(place).any(|(earlier, _)| earlier == name) {
                let rule = "must be given once at most".to_owned();
                return Err(Problem::InvalidParameter { field: known_name, rule });
            }
        }
        Ok(Self(pairs))
    }

    /// The whole number `name`.
    pub(crate) fn number(
        &self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let rule = format!("must be a whole number from {} to {}", range.start(), range.end());
                Err(Problem::InvalidParameter { field: name, rule })
            }
        }
    }

    /// The product's version `name`.
    pub(crate) fn version(&self, name: &'static str) -> Result<Option<i64>, Problem> {
        self.number(name, Version::MIN.get()..=Version::MAX.get())
    }

    /// The product's id `name`.
    pub(crate) fn product_id(&self, name: &'static str) -> Result<Option<ProductId>, Problem> {
        self.text(name).map(|text| product_id(name, text)).transpose()
    }

    /// The text `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// `text` as the product id that `field` holds.
pub(crate) fn product_id(field: &'static str, text: &str) -> Result<ProductId, Problem> {
    text.parse()
        .map_err(|error: schema::ProductIdError| Problem::InvalidParameter { field, rule: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["after", "limit"];

    #[test]
    fn values_are_held_to_their_rules() {
        let params = Params::parse("limit=7", KNOWN).unwrap();
        assert_eq!(params.number("limit", 1..=10), Ok(Some(7)));
        assert_eq!(params.product_id("after"), Ok(None));
        for wrong in ["limit=0", "limit=11", "limit=", "limit=7x", "limit=99999999999999999999"] {
            let refused = Params::parse(wrong, KNOWN).unwrap().number("limit", 1..=10).unwrap_err();
            let rule = "must be a whole number from 1 to 10".to_owned();
            assert_eq!(refused, Problem::InvalidParameter { field: "limit", rule }, "{wrong}");
        }
        let refused = Params::parse("after=X", KNOWN).unwrap().product_id("after").unwrap_err();
        assert!(matches!(refused, Problem::InvalidParameter { field: "after", .. }));
    }

    #[test]
    fn unknown_and_repeated_names_are_refused() {
        let unknown = Params::parse("limit=1&limti=2", KNOWN).unwrap_err();
        assert_eq!(unknown, Problem::UnknownParameter { field: "limti".into(), known: KNOWN });
        let twice = Params::parse("limit=1&limit=1", KNOWN).unwrap_err();
        assert!(matches!(twice, Problem::InvalidParameter { field: "limit", .. }));
    }
}
