-- Which Redis stream the relay is. One row; the first reader that finds no such stream begins the next epoch.
CREATE TABLE relay_epoch (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch      uuid        NOT NULL,
    -- the Redis server that holds the stream; empty when the stream could not be created
    run_id     text        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO relay_epoch (epoch, run_id) VALUES (gen_random_uuid(), '');
