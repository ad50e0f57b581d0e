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
