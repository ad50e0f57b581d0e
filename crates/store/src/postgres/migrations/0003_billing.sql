-- Records for billing: which hours of calls changed, the records of legs, and the closed files that have them.
--
-- The same tables as in SQLite, for one code. Whoever ships a batch marks the hours of the calls that it touched, in
-- rows of its own journal, so that no two nodes wait for each other: a few rows a batch and none a call. Whoever makes
-- records looks at the hours whose marks it has not seen, or that are due, and at no others.

CREATE TABLE billing_marks (
    tenant text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    journal text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (tenant, hour, journal)
) WITH (fillfactor = 50);

-- What of the marks was seen when all calls of the hour were looked at last.
CREATE TABLE billing_seen (
    tenant text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    journal text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (tenant, hour, journal)
) WITH (fillfactor = 50);

-- When an hour is to be looked at again though nothing was reported: then the next of its legs is final.
CREATE TABLE billing_hours (
    tenant text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (tenant, hour)
) WITH (fillfactor = 50);
CREATE INDEX billing_hours_due ON billing_hours (due_at) WHERE due_at IS NOT NULL;

-- Who has files: the number of the next one, and what the last one was. The row is locked while a file is closed and
-- while records are put.
CREATE TABLE billing_tenants (
    tenant text COLLATE "C" PRIMARY KEY,
    next_sequence bigint NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    closed_by text NOT NULL,
    sha256 text
) WITH (fillfactor = 50);

-- Only ever added to.
CREATE TABLE billing_files (
    tenant text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    v bigint NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    records bigint NOT NULL,
    corrections bigint NOT NULL,
    talk_ms bigint NOT NULL,
    previous_sha256 text,
    jsonl_sha256 text NOT NULL,
    csv_sha256 text NOT NULL,
    PRIMARY KEY (tenant, sequence)
);

-- Records as they are issued. Without a sequence number one waits for the next file, and may still change.
CREATE TABLE billing_records (
    -- Whose call.
    call_tenant text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    leg text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    -- Who pays, and whose file has it.
    tenant text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    sequence bigint,
    place bigint,
    talk_ms bigint,
    jsonl text NOT NULL,
    csv text NOT NULL,
    PRIMARY KEY (call_tenant, call_id, leg, revision)
);
CREATE UNIQUE INDEX billing_records_of_file ON billing_records (tenant, sequence, place) WHERE sequence IS NOT NULL;
CREATE INDEX billing_records_waiting ON billing_records (tenant, received_at, call_id, leg) WHERE sequence IS NULL;
