-- Calls, events, contradictions, and how far each journal was shipped.
--
-- Times are microseconds since 1970. The columns of `calls` are the clear routing part, one by one, so that they can
-- be searched and counted; `personal` stands last, so that a search by the others never reads it. Rows are kept in the
-- order in which they came, which is nearly that of time and costs least; ids of version 7 and times rise, so both
-- indexes grow at their end.

CREATE TABLE calls (
    row_id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    call_id BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    class TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    trunk TEXT,
    caller_key BLOB,
    called_key BLOB,
    sip_call_id TEXT,
    -- What came of it; `cdr` holds all of the detail record as JSON once there are events.
    state TEXT NOT NULL,
    answered_at INTEGER,
    ended_at INTEGER,
    talk_ms INTEGER,
    cause_q850 INTEGER,
    cause_sip INTEGER,
    cdr TEXT,
    v INTEGER NOT NULL,
    node TEXT NOT NULL,
    workflow TEXT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    peer TEXT,
    site TEXT,
    region TEXT NOT NULL,
    rule TEXT,
    matched_prefix TEXT,
    gateway TEXT,
    plan_revision INTEGER NOT NULL,
    degraded TEXT,
    request_hash INTEGER,
    personal BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX calls_by_id ON calls (tenant, call_id);
CREATE INDEX calls_by_time ON calls (tenant, received_at, call_id);

-- The digest is of what the switch said: the same report received twice is one event, two that contradict each other
-- under one id are both kept.
--
-- Those beyond what counts (1, else 0) were acknowledged, so they are kept; what came of a call does not take them in,
-- and reading the call tells only that there are some. They stand behind those that count, so that reading a call
-- passes none of them.
CREATE TABLE events (
    tenant TEXT NOT NULL,
    call_id BLOB NOT NULL,
    beyond INTEGER NOT NULL CHECK (beyond IN (0, 1)),
    event_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (tenant, call_id, beyond, event_id, digest)
) STRICT, WITHOUT ROWID;

-- Calls that are not here yet and have events already.
CREATE TABLE early (
    tenant TEXT NOT NULL,
    call_id BLOB NOT NULL,
    PRIMARY KEY (tenant, call_id)
) STRICT, WITHOUT ROWID;

-- Other records under the id of a call that is here (N7).
CREATE TABLE contradictions (
    tenant TEXT NOT NULL,
    call_id BLOB NOT NULL,
    digest BLOB NOT NULL,
    routing TEXT NOT NULL,
    personal BLOB NOT NULL,
    PRIMARY KEY (tenant, call_id, digest)
) STRICT;

CREATE TABLE ship_position (
    journal BLOB PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Written by a check, to see that writing works.
CREATE TABLE checks (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    count INTEGER NOT NULL
) STRICT;
