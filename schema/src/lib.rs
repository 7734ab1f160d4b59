//! The contract that Shelfwire's services and clients share.
//!
//! Events travel through Kafka ([`ProductChanged`], [`ProductRated`]), current state is a [`Product`], viewers receive
//! [`frames`], replicas exchange [`relay`] entries, and all names and limits of topics stand in [`topics`].
//! The crate does no I/O and knows no runtime, so that everything here can be tested as plain values.
//!
//! **Invariant:** a value of a type of this crate is valid. Whatever comes from outside is checked once, when it
//! is decoded; what fails is told as a [`Poison`] that names the field and the rule.

mod bounded;
pub mod client_message;
mod currency;
pub mod documents;
pub mod frames;
pub mod headers;
mod name;
mod photo;
mod poison;
mod product;
mod product_changed;
mod product_id;
mod product_rated;
mod rating;
mod raw_event;
pub mod relay;
mod saying;
mod sha256;
mod subject;
pub mod topics;

pub use bounded::{Bounded, OutOfRange, PriceMinor, Rate, Stock, Version};
pub use currency::{Currency, UnknownCurrency};
pub use name::{Name, NameError};
pub use photo::{PhotoChanged, PhotoHash, PhotoMark, PhotoRevision};
pub use poison::{Poison, PoisonReason};
pub use product::{ListedProduct, Product};
pub use product_changed::ProductChanged;
pub use product_id::{ProductId, ProductIdError};
pub use product_rated::{KeyHash, ProductRated};
pub use rating::{Rating, Tally, Total};
pub use saying::{MAX_SAYING_CHARS, Saying, SayingError};
pub use sha256::{Sha256, Sha256Error};
pub use subject::{Subject, SubjectError};
