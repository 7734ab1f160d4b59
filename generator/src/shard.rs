//! Splits the products between several generators.
//!
//! `i/n` owns the products whose id hashes to `i` modulo `n`. The hash is FNV-1a over the id's 16 bytes, written out
//! here because it must be the same on every machine and in every release: were it to change, two generators could
//! take the same product for theirs, and make conflicting versions.

use std::str::FromStr;

use schema::ProductId;

/// A share of the products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// A text that names no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be i/n with 0 <= i < n <= 1024, such as 0/2")]
pub struct ShardError;

impl Shard {
    /// Most shares; each is a process.
    pub const MOST: u32 = 1024;
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether this share has the product.
    pub fn owns(self, product: ProductId) -> bool {
        self.of == 1 || fnv1a(product.uuid().as_bytes()) % u64::from(self.of) == u64::from(self.index)
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (index, of) = text.split_once('/').ok_or(ShardError)?;
        let index = index.parse().map_err(|_| ShardError)?;
        let of = of.parse().map_err(|_| ShardError)?;
        if index < of && of <= Self::MOST { Ok(Self { index, of }) } else { Err(ShardError) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products() -> impl Iterator<Item = ProductId> {
        (0..3000).map(|n| ProductId::from_sku(&format!("sku-{n}")))
    }

    #[test]
    fn each_product_has_exactly_one_shard() {
        let shards: Vec<Shard> = ["0/3", "1/3", "2/3"].map(|text| text.parse().unwrap()).to_vec();
        for product in products() {
            assert_eq!(shards.iter().filter(|shard| shard.owns(product)).count(), 1);
        }
    }

    #[test]
    fn shards_are_about_equal() {
        let shard: Shard = "1/3".parse().unwrap();
        let owned = products().filter(|product| shard.owns(*product)).count();
        assert!((900..1100).contains(&owned), "{owned}");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_share_that_cannot_be_is_refused() {
        for bad in ["2/2", "0/0", "1", "a/b", "-1/2", "0/1025", "1/2/3"] {
            assert_eq!(bad.parse::<Shard>(), Err(ShardError), "{bad}");
        }
    }
}
