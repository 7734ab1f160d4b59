DROP TABLE consumer_progress;
DROP TABLE rating_keys;
DROP TABLE ratings;
