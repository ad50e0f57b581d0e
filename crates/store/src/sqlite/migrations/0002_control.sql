-- The control plane: tenants, users, the inventory of numbers, plans, rate decks, nodes, and the log of changes.
--
-- The same tables as in Postgres. Times are microseconds since 1970. Every change takes the next version from
-- `change_counter` before all else, and each row that it touched carries it; what is deleted stays as a tombstone, so
-- that a node that asks for all after a version hears of it. Numbers are their digits, without the plus.

CREATE TABLE change_counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO change_counter (one, version) VALUES (1, 0);

-- Only ever added to.
CREATE TABLE changes (
    version INTEGER NOT NULL,
    place INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    tenant TEXT,
    entity TEXT NOT NULL,
    key TEXT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (version, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_of_one ON changes (entity, key, version);
CREATE INDEX changes_of_tenant ON changes (tenant, version) WHERE tenant IS NOT NULL;

CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    suspended INTEGER NOT NULL,
    outside_line_prefixes TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tenants_by_version ON tenants (version);

CREATE TABLE users (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    extension TEXT,
    devices TEXT NOT NULL,
    preferences TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_version ON users (version);
CREATE INDEX users_by_extension ON users (tenant, extension) WHERE extension IS NOT NULL;

CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    tenant TEXT,
    note TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX blocks_by_version ON blocks (version);
CREATE INDEX blocks_of_tenant ON blocks (tenant) WHERE tenant IS NOT NULL;

CREATE TABLE numbers (
    number INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user_name TEXT,
    cutover INTEGER,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX numbers_by_version ON numbers (version);
CREATE INDEX numbers_of_user ON numbers (tenant, user_name);

-- Plans by number, and each publication of one: the latest is in service.
CREATE TABLE plans (
    revision INTEGER PRIMARY KEY,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    at INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE plan_publications (
    version INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- The rate deck that is in force on each trunk; its rows are those of its revision.
CREATE TABLE decks (
    trunk TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    currency TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decks_by_version ON decks (version);

-- Every revision that has rows: those that are being loaded show nowhere until they become current, and those that are
-- neither are swept away.
CREATE TABLE deck_revisions (
    revision INTEGER PRIMARY KEY,
    trunk TEXT NOT NULL,
    currency TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    loading INTEGER NOT NULL
) STRICT;

-- Prices are millionths of the currency's unit. `origin` is empty for every origin; the least time is always.
CREATE TABLE deck_rows (
    revision INTEGER NOT NULL,
    prefix TEXT NOT NULL,
    origin TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    price INTEGER NOT NULL,
    connection_fee INTEGER NOT NULL,
    surcharge INTEGER NOT NULL,
    first_s INTEGER NOT NULL,
    next_s INTEGER NOT NULL,
    PRIMARY KEY (revision, prefix, origin, valid_from)
) STRICT, WITHOUT ROWID;

-- What each node last said of itself.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    version TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    plan_revision INTEGER NOT NULL,
    served_version INTEGER NOT NULL,
    snapshot_age_s INTEGER,
    journal_bytes INTEGER NOT NULL,
    backlog_records INTEGER NOT NULL,
    backlog_age_s INTEGER NOT NULL,
    plan_from TEXT NOT NULL,
    fault TEXT,
    -- Nodes of one database have the same.
    key_check TEXT NOT NULL
) STRICT, WITHOUT ROWID;
