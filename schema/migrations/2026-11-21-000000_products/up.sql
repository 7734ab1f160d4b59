-- Current state: one row a product. fillfactor 80 and no index on what changes keep updates HOT.
CREATE TABLE products (
    product_id        uuid        PRIMARY KEY,
    version           bigint      NOT NULL CHECK (version >= 1),
    event_id          uuid        NOT NULL,
    -- the version that the last write replaced, 0 for none, and its event
    previous          bigint      NOT NULL DEFAULT 0,
    previous_event_id uuid,
    name              text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    price_minor       bigint      NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000000),
    currency          text        NOT NULL CHECK (char_length(currency) = 3),
    stock             integer     NOT NULL CHECK (stock >= 0),
    occurred_at       timestamptz NOT NULL
) WITH (fillfactor = 80);

-- History: every version that was newer than the stored one when it arrived. Partitioned by the day of its writing, so
-- that old days are dropped at no cost; the DEFAULT partition takes what no day's partition was made for in time.
CREATE TABLE product_changes (
    product_id  uuid        NOT NULL,
    version     bigint      NOT NULL,
    written_on  date        NOT NULL,
    event_id    uuid        NOT NULL,
    name        text        NOT NULL,
    price_minor bigint      NOT NULL,
    currency    text        NOT NULL,
    stock       integer     NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (product_id, version, written_on)
) PARTITION BY RANGE (written_on);

CREATE TABLE product_changes_default PARTITION OF product_changes DEFAULT;
