-- Records for billing: which hours of calls changed, the records of legs, and the closed files that have them.
--
-- The same tables as in Postgres, for one code; times are microseconds since 1970. Whoever ships a batch marks the
-- hours of the calls that it touched: a few rows a batch and none a call. Whoever makes records looks at the hours
-- whose marks it has not seen, or that are due, and at no others.

CREATE TABLE billing_marks (
    tenant TEXT NOT NULL,
    hour INTEGER NOT NULL,
    journal TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, journal)
) STRICT, WITHOUT ROWID;

-- What of the marks was seen when all calls of the hour were looked at last.
CREATE TABLE billing_seen (
    tenant TEXT NOT NULL,
    hour INTEGER NOT NULL,
    journal TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, journal)
) STRICT, WITHOUT ROWID;

-- When an hour is to be looked at again though nothing was reported: then the next of its legs is final.
CREATE TABLE billing_hours (
    tenant TEXT NOT NULL,
    hour INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (tenant, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX billing_hours_due ON billing_hours (due_at) WHERE due_at IS NOT NULL;

-- Who has files: the number of the next one, and what the last one was. The row is locked while a file is closed and
-- while records are put.
CREATE TABLE billing_tenants (
    tenant TEXT PRIMARY KEY,
    next_sequence INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    sha256 TEXT
) STRICT, WITHOUT ROWID;

-- Only ever added to.
CREATE TABLE billing_files (
    tenant TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    v INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    records INTEGER NOT NULL,
    corrections INTEGER NOT NULL,
    talk_ms INTEGER NOT NULL,
    previous_sha256 TEXT,
    jsonl_sha256 TEXT NOT NULL,
    csv_sha256 TEXT NOT NULL,
    PRIMARY KEY (tenant, sequence)
) STRICT, WITHOUT ROWID;

-- Records as they are issued. Without a sequence number one waits for the next file, and may still change.
CREATE TABLE billing_records (
    -- Whose call.
    call_tenant TEXT NOT NULL,
    call_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    revision INTEGER NOT NULL,
    -- Who pays, and whose file has it.
    tenant TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    sequence INTEGER,
    place INTEGER,
    talk_ms INTEGER,
    jsonl TEXT NOT NULL,
    csv TEXT NOT NULL,
    PRIMARY KEY (call_tenant, call_id, leg, revision)
) STRICT;
CREATE UNIQUE INDEX billing_records_of_file ON billing_records (tenant, sequence, place) WHERE sequence IS NOT NULL;
CREATE INDEX billing_records_waiting ON billing_records (tenant, received_at, call_id, leg) WHERE sequence IS NULL;
