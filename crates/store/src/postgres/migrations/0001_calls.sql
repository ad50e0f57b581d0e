-- Calls, events, contradictions, and how far each node's journal was shipped.
--
-- A day of calls (UTC, by when they were received) is a partition, and so is a day's events: a day is dropped in one
-- go when its time is over, and an index of yesterday is never written again. The one index of `calls` serves a list by
-- time as well as a call by its id: an id of version 7 tells its millisecond, and `keyed_calls` tells the time of others.

CREATE TABLE calls (
    tenant text NOT NULL,
    call_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    class text NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    trunk text,
    caller_key bytea,
    called_key bytea,
    sip_call_id text,
    -- What came of it; `cdr` holds all of the detail record once there are events.
    state text NOT NULL DEFAULT 'decided',
    answered_at timestamptz,
    ended_at timestamptz,
    talk_ms bigint,
    cause_q850 smallint,
    cause_sip smallint,
    cdr json,
    v smallint NOT NULL,
    node text NOT NULL,
    workflow text NOT NULL,
    kind text NOT NULL,
    direction text NOT NULL,
    peer text,
    site text,
    region text NOT NULL,
    rule text,
    matched_prefix text,
    gateway text,
    plan_revision bigint NOT NULL,
    degraded json,
    request_hash bigint,
    -- Numbers, names and places, and the decision's trace: MessagePack, sealed later.
    personal bytea NOT NULL,
    PRIMARY KEY (tenant, received_at, call_id)
) PARTITION BY RANGE (received_at);

-- When the first record of an id came that does not tell its time itself.
CREATE TABLE keyed_calls (
    tenant text NOT NULL,
    call_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, call_id)
);

-- Of ids of version 7 there is none here, unless a second record came under one with another time.
CREATE INDEX keyed_calls_strays ON keyed_calls (call_id) WHERE get_byte(uuid_send(call_id), 6) >> 4 = 7;

-- The digest is of what the switch said: the same report received twice is one event, two that contradict each other
-- under one id are both kept. `beyond` are events of calls that have more than count: kept, and taken in by nothing.
CREATE TABLE events (
    tenant text NOT NULL,
    call_id uuid NOT NULL,
    beyond boolean NOT NULL,
    event_id text NOT NULL,
    digest bytea NOT NULL,
    -- The day of the call.
    day date NOT NULL,
    occurred_at timestamptz NOT NULL,
    event json NOT NULL,
    PRIMARY KEY (tenant, call_id, beyond, event_id, digest, day)
) PARTITION BY RANGE (day);

-- Events whose call is not here yet.
CREATE TABLE early_events (
    tenant text NOT NULL,
    call_id uuid NOT NULL,
    event_id text NOT NULL,
    digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    event json NOT NULL,
    PRIMARY KEY (tenant, call_id, event_id, digest, received_at)
);

-- Other records under the id of a call that is here (N7).
CREATE TABLE contradictions (
    tenant text NOT NULL,
    call_id uuid NOT NULL,
    digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    routing json NOT NULL,
    personal bytea NOT NULL,
    PRIMARY KEY (tenant, call_id, digest)
);

CREATE TABLE ship_positions (
    journal bytea PRIMARY KEY,
    position bigint NOT NULL,
    shipped_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Written by a check, to see that writing works.
CREATE TABLE checks (
    only_row boolean PRIMARY KEY CHECK (only_row),
    count bigint NOT NULL
) WITH (fillfactor = 50);

-- Makes a day's partitions, unless they are there. They are made beside the table and attached to it, which holds up
-- nobody who reads or writes. Whether they are there is asked of the catalog's rows: what a session remembers of names
-- is from before it waited for the lock.
CREATE FUNCTION make_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text := '_p' || to_char(day, 'YYYYMMDD');
    here oid := (SELECT relnamespace FROM pg_class WHERE oid = 'calls'::regclass);
BEGIN
    IF (SELECT count(*) FROM pg_class WHERE relnamespace = here AND relname IN ('calls' || suffix, 'events' || suffix)) = 2
    THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('telness make_day'));
    IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = here AND relname = 'calls' || suffix) THEN
        EXECUTE format('CREATE TABLE %I (LIKE calls INCLUDING ALL)', 'calls' || suffix);
        EXECUTE format('ALTER TABLE calls ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', 'calls' || suffix,
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = here AND relname = 'events' || suffix) THEN
        EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', 'events' || suffix);
        EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', 'events' || suffix,
            day, day + 1);
    END IF;
END
$$;
