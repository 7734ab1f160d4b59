-- One photo a product. A removed one leaves its row, so that its revision goes on and old news stay old.
CREATE TABLE photos (
    product_id   uuid   PRIMARY KEY REFERENCES products,
    -- 1, 2, 3 …: counts what was stored and removed (0: there was none yet)
    revision     bigint NOT NULL CHECK (revision >= 0),
    -- SHA-256 of the bytes, media type and bytes; all null once the photo was removed
    hash         bytea  CHECK (octet_length(hash) = 32),
    content_type text,
    bytes        bytea,
    CHECK ((hash IS NULL) = (bytes IS NULL) AND (hash IS NULL) = (content_type IS NULL))
);

-- Pictures are compressed already.
ALTER TABLE photos ALTER COLUMN bytes SET STORAGE EXTERNAL;
