//! The tables, as Diesel sees them. The migrations in `schema/migrations` are their definition.

diesel::table! {
    /// Current state, one row a product.
    products (product_id) {
        product_id -> Uuid,
        version -> BigInt,
        event_id -> Uuid,
        previous -> BigInt,
        previous_event_id -> Nullable<Uuid>,
        name -> Text,
        price_minor -> BigInt,
        currency -> Text,
        stock -> Integer,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    /// History, partitioned by the day of its writing.
    product_changes (product_id, version, written_on) {
        product_id -> Uuid,
        version -> BigInt,
        written_on -> Date,
        event_id -> Uuid,
        name -> Text,
        price_minor -> BigInt,
        currency -> Text,
        stock -> Integer,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    /// Which stream the relay is; one row.
    relay_epoch (only_row) {
        only_row -> Bool,
        epoch -> Uuid,
        run_id -> Text,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    /// Photos, one row a product that ever had one.
    photos (product_id) {
        product_id -> Uuid,
        revision -> BigInt,
        hash -> Nullable<Bytea>,
        content_type -> Nullable<Text>,
        bytes -> Nullable<Bytea>,
    }
}

diesel::table! {
    /// Totals, one row a subject that was rated.
    ratings (subject) {
        subject -> Text,
        recent -> Array<SmallInt>,
        average -> Nullable<Double>,
        window_size -> Integer,
        count -> BigInt,
        sum -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// How far a topic is folded into the tables.
    consumer_progress (topic, partition) {
        topic -> Text,
        partition -> Integer,
        next_offset -> BigInt,
        refused_at -> Nullable<Timestamptz>,
    }
}
