-- Everything of jph stands in the schema jph; times are milliseconds since 1970-01-01 UTC.

CREATE SCHEMA jph;

CREATE TABLE jph.schema_version (
    version     integer     PRIMARY KEY,
    migrated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE jph.sensors (
    codifier      text COLLATE "C" PRIMARY KEY,
    name          text,
    unit          text,
    is_configured boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE jph.sensors IS 'Who has readings, and what the configuration calls them';

-- No foreign key to the sensors: it would be looked up for every row, and an unknown sensor is no reason to lose one.
-- Wide columns first, so that nothing is lost to alignment: 60 bytes a number, and as much again in the indexes.
CREATE TABLE jph.readings (
    timestamp_ms bigint NOT NULL,
    sequence     bigint NOT NULL,
    number       double precision,
    integer      bigint,
    codifier     text COLLATE "C" NOT NULL,
    text         text,
    exact        json,
    attributes   json,
    CHECK (num_nonnulls(number, integer, text, exact) > 0),
    PRIMARY KEY (codifier, timestamp_ms, sequence)
) PARTITION BY RANGE (timestamp_ms);
-- Finds a reading by its sequence. An expression, so that the planner has no choice: with two plain indexes and a young
-- partition, of which it knows nothing, it would go through a day of the sensor for each reading.
CREATE INDEX ON jph.readings ((codifier || ''), sequence);
CREATE TABLE jph.readings_default PARTITION OF jph.readings DEFAULT;
COMMENT ON COLUMN jph.readings.number IS 'The value of every number that a double can hold, of integers too';
COMMENT ON COLUMN jph.readings.integer IS 'The value when it is an integer of 64 bits, exactly';
COMMENT ON COLUMN jph.readings.exact IS 'The value when no other column can hold it: larger integers, text with NUL';
COMMENT ON TABLE jph.readings_default IS 'Readings of clocks that are mad, until the month of their timestamp comes';

CREATE TABLE jph.progress (
    codifier text COLLATE "C" PRIMARY KEY,
    last     bigint NOT NULL,
    holes    jsonb  NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE jph.progress IS 'How far each sensor was followed: newest sequence known, and [first, count] missing before it';

CREATE TABLE jph.accounts (
    codifier       text COLLATE "C" NOT NULL,
    hour_ms        bigint NOT NULL,
    sent           bigint NOT NULL,
    heard          bigint NOT NULL,
    repaired       bigint NOT NULL,
    stored         bigint NOT NULL,
    duplicate      bigint NOT NULL,
    bad            bigint NOT NULL,
    rejected       bigint NOT NULL,
    conflict       bigint NOT NULL,
    not_kept       bigint NOT NULL,
    renumbered     bigint NOT NULL,
    too_many_holes bigint NOT NULL,
    doubled        bigint NOT NULL,
    restarts       bigint NOT NULL,
    PRIMARY KEY (hour_ms, codifier)
) WITH (fillfactor = 50);
COMMENT ON TABLE jph.accounts IS 'What became of every reading, per sensor and hour of the receiver''s clock';

CREATE TABLE jph.conflicts (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    codifier     text COLLATE "C" NOT NULL,
    timestamp_ms bigint NOT NULL,
    sequence     bigint NOT NULL,
    reading      text   NOT NULL,
    found_ms     bigint NOT NULL
);
CREATE UNIQUE INDEX ON jph.conflicts (codifier, timestamp_ms, sequence, md5(reading));
CREATE INDEX ON jph.conflicts (found_ms, id);
COMMENT ON TABLE jph.conflicts IS 'Readings, as JSON, that say other than the one that came first with their number';

CREATE TABLE jph.rejected (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    reading  text   NOT NULL,
    reason   text   NOT NULL,
    found_ms bigint NOT NULL
);
CREATE INDEX ON jph.rejected (found_ms, id);
COMMENT ON TABLE jph.rejected IS 'Readings, as JSON, that could not be stored, and why';

CREATE TABLE jph.buckets (
    codifier text COLLATE "C" NOT NULL,
    span_ms  bigint NOT NULL,
    end_ms   bigint NOT NULL,
    mean     double precision NOT NULL,
    mode     double precision,
    median   double precision NOT NULL,
    max      double precision NOT NULL,
    min      double precision NOT NULL,
    stdev    double precision NOT NULL,
    count    bigint NOT NULL,
    PRIMARY KEY (codifier, span_ms, end_ms)
);
COMMENT ON TABLE jph.buckets IS 'Roll-ups of the numbers in (end_ms - span_ms, end_ms]; mode is null when several came most often';

CREATE TABLE jph.dirty (
    codifier text COLLATE "C" NOT NULL,
    span_ms  bigint  NOT NULL,
    end_ms   bigint  NOT NULL,
    batches  integer NOT NULL DEFAULT 1,
    hour_ms  bigint  GENERATED ALWAYS AS ((end_ms + 3599999) / 3600000 * 3600000) STORED,
    PRIMARY KEY (codifier, span_ms, end_ms)
) WITH (fillfactor = 50);
CREATE INDEX ON jph.dirty (hour_ms, codifier);
COMMENT ON TABLE jph.dirty IS 'Roll-ups that readings touched since they were computed';

-- One row. A roll-up that begins before `until_ms` is kept as it is: its readings are gone.
CREATE TABLE jph.dropped (
    until_ms bigint NOT NULL,
    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);
INSERT INTO jph.dropped (until_ms) VALUES (-9223372036854775808);

-- Each sink that runs counts its batches here, so that it knows after a lost answer whether the last was committed.
CREATE TABLE jph.writers (
    writer   uuid   PRIMARY KEY,
    batches  bigint NOT NULL,
    wrote_ms bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE jph.users (
    email    varchar(120) PRIMARY KEY,
    password varchar(120) NOT NULL
);
COMMENT ON COLUMN jph.users.password IS 'A hash: $scrypt$ln=...,r=...,p=...$salt$hash';

CREATE FUNCTION jph.unscaled(number double precision, scale double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE WHEN scale > 1 AND abs(number) <= 2 ^ -475 THEN 0 ELSE number / scale END -- no double is that small
$$;

-- The number halfway between two; neither their sum nor a half leaves the range of doubles.
CREATE FUNCTION jph.middle(low double precision, high double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN low = high THEN low
    WHEN greatest(abs(low), abs(high)) > 1e300
    THEN CASE WHEN abs(low) < 1e-300 THEN 0 ELSE low / 2 END + CASE WHEN abs(high) < 1e-300 THEN 0 ELSE high / 2 END
    WHEN abs(low + high) < 1e-323 THEN 0
    ELSE (low + high) / 2
END
$$;

-- Computes roll-ups from the readings. Numbers are taken in their order, so that no sum depends on the order of arrival.
-- The squares of very large and of very small numbers leave the range of doubles: such buckets are computed at another
-- scale, a power of two, which costs no digit. mode() takes the first of several: it is one only when it is the last too.
CREATE FUNCTION jph.summarised(codifiers text[], spans_ms bigint[], ends_ms bigint[])
RETURNS TABLE (
    codifier text, span_ms bigint, end_ms bigint, mean double precision, mode double precision,
    median double precision, max double precision, min double precision, stdev double precision, count bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT due.*, bucket.*
FROM unnest(codifiers, spans_ms, ends_ms) AS due (codifier, span_ms, end_ms)
CROSS JOIN LATERAL (
    WITH taken AS (
        SELECT readings.number, max(abs(readings.number)) OVER () AS peak
        FROM jph.readings
        WHERE readings.codifier = due.codifier
            AND readings.timestamp_ms > due.end_ms - due.span_ms
            AND readings.timestamp_ms <= due.end_ms
            AND readings.number IS NOT NULL
    ),
    measured AS (
        SELECT number, peak, CASE WHEN peak > 1e120 THEN 2 ^ -600 WHEN peak < 1e-120 THEN 2 ^ 600 ELSE 1 END AS scale
        FROM taken
    ),
    scaled AS (
        SELECT number, scale, CASE WHEN peak > 1e120 AND abs(number) < 1e-120 THEN 0 ELSE number * scale END AS small
        FROM measured
    ),
    bounded AS (
        SELECT
            scale,
            greatest(least(avg(small ORDER BY small), max(small)), min(small)) AS mean,
            CASE
                WHEN mode() WITHIN GROUP (ORDER BY number) = mode() WITHIN GROUP (ORDER BY number DESC)
                THEN mode() WITHIN GROUP (ORDER BY number)
            END AS mode,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY number) AS median_from,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY number DESC) AS median_to,
            max(number) AS max,
            min(number) AS min,
            least(stddev_pop(small ORDER BY small), max(abs(small))) AS stdev,
            count(*) AS count
        FROM scaled
        GROUP BY scale
    )
    SELECT
        jph.unscaled(mean, scale), mode, jph.middle(median_from, median_to), max, min, jph.unscaled(stdev, scale), count
    FROM bounded
) AS bucket
$$;
