DROP TABLE relay_epoch;
