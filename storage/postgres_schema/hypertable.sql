-- In place of the partitions of 0001.sql, while there are no readings: TimescaleDB makes chunks of 30 days by itself.

CREATE TABLE jph.hypertable (LIKE jph.readings INCLUDING ALL);
DROP TABLE jph.readings;
ALTER TABLE jph.hypertable RENAME TO readings;
SELECT create_hypertable('jph.readings', 'timestamp_ms', chunk_time_interval => 2592000000, create_default_indexes => false);
