-- The schema of version 2, as its steps made it, and what schema_migrations had of them. Never changed.
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
-- The control plane: tenants, users, the inventory of numbers, plans, rate decks, nodes, and the log of changes.
--
-- The same tables as in SQLite, for one code. Every change takes the next version from
-- `change_counter` before all else, and each row that it touched carries it; what is deleted stays as a tombstone, so
-- that a node that asks for all after a version hears of it. Numbers are their digits, without the plus.
-- Names compare by their bytes, so that both stores have the same order.

CREATE TABLE change_counter (
    one bigint PRIMARY KEY CHECK (one = 1),
    version bigint NOT NULL
);
INSERT INTO change_counter (one, version) VALUES (1, 0);

-- Only ever added to.
CREATE TABLE changes (
    version bigint NOT NULL,
    place bigint NOT NULL,
    at timestamptz NOT NULL,
    author text NOT NULL,
    comment text NOT NULL,
    tenant text COLLATE "C",
    entity text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    before jsonb,
    after jsonb,
    PRIMARY KEY (version, place)
);
CREATE INDEX changes_of_one ON changes (entity, key, version);
CREATE INDEX changes_of_tenant ON changes (tenant, version) WHERE tenant IS NOT NULL;

CREATE TABLE tenants (
    name text COLLATE "C" PRIMARY KEY,
    suspended boolean NOT NULL,
    outside_line_prefixes jsonb NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX tenants_by_version ON tenants (version, name);

CREATE TABLE users (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    extension text COLLATE "C",
    devices jsonb NOT NULL,
    preferences jsonb NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX users_by_version ON users (version, tenant, name);
CREATE INDEX users_by_extension ON users (tenant, extension) WHERE extension IS NOT NULL;

CREATE TABLE blocks (
    first bigint PRIMARY KEY,
    last bigint NOT NULL,
    tenant text COLLATE "C",
    note text NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX blocks_by_version ON blocks (version, first);
CREATE INDEX blocks_of_tenant ON blocks (tenant) WHERE tenant IS NOT NULL;

CREATE TABLE numbers (
    number bigint PRIMARY KEY,
    state text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    user_name text COLLATE "C",
    cutover timestamptz,
    version bigint NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX numbers_by_version ON numbers (version, number);
CREATE INDEX numbers_of_user ON numbers (tenant, user_name);

-- Plans by number, and each publication of one: the latest is in service.
CREATE TABLE plans (
    revision bigint PRIMARY KEY,
    author text NOT NULL,
    comment text NOT NULL,
    at timestamptz NOT NULL,
    sha256 bytea NOT NULL,
    text text NOT NULL
);
CREATE TABLE plan_publications (
    version bigint PRIMARY KEY,
    revision bigint NOT NULL,
    author text NOT NULL,
    comment text NOT NULL,
    at timestamptz NOT NULL
);

-- The rate deck that is in force on each trunk; its rows are those of its revision.
CREATE TABLE decks (
    trunk text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    currency text NOT NULL,
    row_count bigint NOT NULL,
    author text NOT NULL,
    comment text NOT NULL,
    at timestamptz NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX decks_by_version ON decks (version, trunk);

-- Every revision that has rows: those that are being loaded show nowhere until they become current, and those that are
-- neither are swept away.
CREATE TABLE deck_revisions (
    revision bigint PRIMARY KEY,
    trunk text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    row_count bigint NOT NULL,
    touched_at timestamptz NOT NULL,
    loading boolean NOT NULL
);

-- Prices are millionths of the currency's unit. `origin` is empty for every origin; `-infinity` is always.
CREATE TABLE deck_rows (
    revision bigint NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    price bigint NOT NULL,
    connection_fee bigint NOT NULL,
    surcharge bigint NOT NULL,
    first_s bigint NOT NULL,
    next_s bigint NOT NULL,
    PRIMARY KEY (revision, prefix, origin, valid_from)
);

-- What each node last said of itself.
CREATE TABLE nodes (
    name text COLLATE "C" PRIMARY KEY,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    version text NOT NULL,
    schema_version bigint NOT NULL,
    plan_revision bigint NOT NULL,
    served_version bigint NOT NULL,
    snapshot_age_s bigint,
    journal_bytes bigint NOT NULL,
    backlog_records bigint NOT NULL,
    backlog_age_s bigint NOT NULL,
    plan_from text NOT NULL,
    fault text,
    -- Nodes of one database have the same.
    key_check text NOT NULL
);
CREATE TABLE schema_migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    works_from bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES (1, 'calls', '\x836f05a638cfd43fbd964bf340044b06', 1);
INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES (2, 'control', '\xd8122f3b190904086775b1400532bcaa', 1);
