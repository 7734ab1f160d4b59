-- Totals: one row for each product that was rated, and one for `site`. Only their own fold writes them.
CREATE TABLE ratings (
    -- in the order of its bytes, which is also that of product ids
    subject     text             COLLATE "C" PRIMARY KEY,
    -- the newest ratings, oldest of them first; their average, and how many it may look back on
    recent      smallint[]       NOT NULL DEFAULT '{}',
    average     double precision,
    window_size integer          NOT NULL DEFAULT 0,
    -- of all that were ever counted
    count       bigint           NOT NULL DEFAULT 0 CHECK (count >= 0),
    sum         bigint           NOT NULL DEFAULT 0 CHECK (sum BETWEEN 0 AND count * 10),
    updated_at  timestamptz      NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

-- Keys of ratings that were counted: a rating that comes again under its key is not. Kept for a day.
CREATE TABLE rating_keys (
    subject  text        COLLATE "C" NOT NULL,
    key_hash bytea       NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key_hash)
);
CREATE INDEX rating_keys_seen_at ON rating_keys (seen_at);

-- How far a topic is folded into the tables, written in the same transaction: what lies below is never counted again.
CREATE TABLE consumer_progress (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    next_offset bigint      NOT NULL CHECK (next_offset >= 0),
    -- since when the topic is taken for another one of the same name: nothing more is counted. To begin with that one,
    -- delete the topic's rows
    refused_at  timestamptz,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
