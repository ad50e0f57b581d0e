-- Events of calls that have more than count. They were acknowledged, so they are kept; what came of a call does not
-- take them in, and reading the call tells only that there are some. A table of their own, and not a column of `events`,
-- so that reading a call passes none of them.
CREATE TABLE events_beyond (
    tenant TEXT NOT NULL,
    call_id BLOB NOT NULL,
    event_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (tenant, call_id, event_id, digest)
) STRICT, WITHOUT ROWID;
