-- A day's partitions are made in the schema of their table. Without its name they would be made in the first schema on
-- the path, which is that of the user as soon as somebody makes one of its name: they would not be found there the next
-- time, and no more be written to.
CREATE OR REPLACE FUNCTION make_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text := '_p' || to_char(day, 'YYYYMMDD');
    here oid := (SELECT relnamespace FROM pg_class WHERE oid = 'calls'::regclass);
    schema name := (SELECT nspname FROM pg_namespace WHERE oid = here);
BEGIN
    IF (SELECT count(*) FROM pg_class WHERE relnamespace = here AND relname IN ('calls' || suffix, 'events' || suffix)) = 2
    THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('telness make_day'));
    IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = here AND relname = 'calls' || suffix) THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %I.calls INCLUDING ALL)', schema, 'calls' || suffix, schema);
        EXECUTE format('ALTER TABLE %I.calls ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', schema, schema,
            'calls' || suffix, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = here AND relname = 'events' || suffix) THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %I.events INCLUDING ALL)', schema, 'events' || suffix, schema);
        EXECUTE format('ALTER TABLE %I.events ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', schema, schema,
            'events' || suffix, day, day + 1);
    END IF;
END
$$;
