//! Settings of ratings.

use clap::{Args, value_parser};

/// Where ratings travel, and what their average is of.
#[derive(Debug, Clone, Args)]
pub struct RatingSettings {
    /// Topic of ratings; its dead letters go to NAME.dlq. The group that counts them is the one of changes with `-ratings`
    /// behind it.
    #[arg(long, env = "SHELFWIRE_RATINGS_TOPIC", default_value = schema::topics::PRODUCT_RATINGS, value_parser = settings::kafka::topic, help_heading = "Ratings")]
    pub ratings_topic: String,
    /// How many of the newest ratings an average looks back on, 1 to 1000. A wider window fills with the ratings to come.
    #[arg(long, env = "SHELFWIRE_RATING_WINDOW", default_value_t = 10, value_parser = value_parser!(u32).range(1..=1000), help_heading = "Ratings")]
    pub rating_window: u32,
}
