-- Every statement that telness sends on the schema of version 2.
-- Made by scripts/statements, and never changed after its release.
DELETE FROM deck_revisions WHERE revision = $1
DELETE FROM deck_rows WHERE revision = $1
DELETE FROM early_events e USING unnest($1::text[], $2::uuid[]) AS a (t, i) WHERE e.tenant = a.t AND e.call_id = a.i RETURNING e.event
DELETE FROM events e USING unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::bytea[], $6::date[]) AS a (t, i, b, n, g, d) WHERE e.tenant = a.t AND e.call_id = a.i AND e.beyond = a.b AND e.event_id = a.n AND e.digest = a.g AND e.day = a.d AND e.day BETWEEN $7 AND $8
DELETE FROM nodes WHERE name = $1
INSERT INTO blocks (first, last, tenant, note, version, deleted) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::boolean[]) ON CONFLICT (first) DO UPDATE SET last = excluded.last, tenant = excluded.tenant, note = excluded.note, version = excluded.version, deleted = excluded.deleted
INSERT INTO calls (tenant, call_id, received_at, class, action, reason, trunk, caller_key, called_key, sip_call_id, v, node, workflow, kind, direction, peer, site, region, rule, matched_prefix, gateway, plan_revision, degraded, request_hash, personal) SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::text[], $11::smallint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::bigint[], $23::json[], $24::bigint[], $25::bytea[]) ON CONFLICT (tenant, received_at, call_id) DO NOTHING
INSERT INTO changes (version, place, at, author, comment, tenant, entity, key, before, after) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::jsonb[])
INSERT INTO checks (only_row, count) VALUES (true, 1) ON CONFLICT (only_row) DO UPDATE SET count = checks.count + 1
INSERT INTO contradictions (tenant, call_id, digest, received_at, routing, personal) VALUES ($1, $2, $3, $4, $5::text::json, $6) ON CONFLICT DO NOTHING
INSERT INTO deck_revisions (revision, trunk, currency, row_count, touched_at, loading) VALUES ($1, $2, $3, 0, $4, TRUE)
INSERT INTO deck_rows (revision, prefix, origin, valid_from, valid_until, price, connection_fee, surcharge, first_s, next_s) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) ON CONFLICT DO NOTHING
INSERT INTO decks (trunk, revision, currency, row_count, author, comment, at, version, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE) ON CONFLICT (trunk) DO UPDATE SET revision = excluded.revision, currency = excluded.currency, row_count = excluded.row_count, author = excluded.author, comment = excluded.comment, at = excluded.at, version = excluded.version, deleted = excluded.deleted
INSERT INTO early_events (tenant, call_id, event_id, digest, received_at, event) SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[], $6::json[]) ON CONFLICT DO NOTHING
INSERT INTO events (tenant, call_id, beyond, event_id, digest, day, occurred_at, event) SELECT * FROM unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::bytea[], $6::date[], $7::timestamptz[], $8::json[]) ON CONFLICT (tenant, call_id, beyond, event_id, digest, day) DO UPDATE SET occurred_at = excluded.occurred_at, event = excluded.event WHERE NOT excluded.beyond
INSERT INTO keyed_calls (tenant, call_id, received_at) SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) ON CONFLICT (tenant, call_id) DO NOTHING
INSERT INTO nodes (name, started_at, seen_at, version, schema_version, plan_revision, served_version, snapshot_age_s, journal_bytes, backlog_records, backlog_age_s, plan_from, fault, key_check) SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[]) ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, seen_at = excluded.seen_at, version = excluded.version, schema_version = excluded.schema_version, plan_revision = excluded.plan_revision, served_version = excluded.served_version, snapshot_age_s = excluded.snapshot_age_s, journal_bytes = excluded.journal_bytes, backlog_records = excluded.backlog_records, backlog_age_s = excluded.backlog_age_s, plan_from = excluded.plan_from, fault = excluded.fault, key_check = excluded.key_check
INSERT INTO numbers (number, state, tenant, user_name, cutover, version, deleted) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::boolean[]) ON CONFLICT (number) DO UPDATE SET state = excluded.state, tenant = excluded.tenant, user_name = excluded.user_name, cutover = excluded.cutover, version = excluded.version, deleted = excluded.deleted
INSERT INTO plan_publications (version, revision, author, comment, at) VALUES ($1, $2, $3, $4, $5)
INSERT INTO plans (revision, author, comment, at, sha256, text) VALUES ($1, $2, $3, $4, $5, $6)
INSERT INTO ship_positions (journal, position) SELECT $1, $2 WHERE coalesce((SELECT position FROM ship_positions WHERE journal = $1), -1) >= $3 ON CONFLICT (journal) DO UPDATE SET position = greatest(ship_positions.position, excluded.position), shipped_at = now()
INSERT INTO tenants (name, suspended, outside_line_prefixes, version, deleted) SELECT * FROM unnest($1::text[], $2::boolean[], $3::jsonb[], $4::bigint[], $5::boolean[]) ON CONFLICT (name) DO UPDATE SET suspended = excluded.suspended, outside_line_prefixes = excluded.outside_line_prefixes, version = excluded.version, deleted = excluded.deleted
INSERT INTO users (tenant, name, extension, devices, preferences, version, deleted) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::bigint[], $7::boolean[]) ON CONFLICT (tenant, name) DO UPDATE SET extension = excluded.extension, devices = excluded.devices, preferences = excluded.preferences, version = excluded.version, deleted = excluded.deleted
SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2
SELECT COALESCE(MAX(revision), 0) FROM plans
SELECT DISTINCT tenant, call_id FROM early_events WHERE (tenant, call_id) > ($1, $2) ORDER BY tenant, call_id LIMIT $3
SELECT EXISTS (SELECT 1 FROM early_events), EXISTS (SELECT 1 FROM keyed_calls WHERE get_byte(uuid_send(call_id), 6) >> 4 = 7)
SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND $2 = (SELECT string_agg(a.attname, ' ' ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number))
SELECT a.t, a.i FROM unnest($1::text[], $2::uuid[]) AS a (t, i) WHERE EXISTS (SELECT 1 FROM early_events e WHERE e.tenant = a.t AND e.call_id = a.i)
SELECT a.t, a.i FROM unnest($1::text[], $2::uuid[], $3::date[]) AS a (t, i, d) WHERE EXISTS (SELECT 1 FROM events e WHERE e.tenant = a.t AND e.call_id = a.i AND e.beyond AND e.day = a.d AND e.day BETWEEN $4 AND $5)
SELECT c.tenant, c.call_id, c.received_at FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS a (t, i, since, until), LATERAL (SELECT * FROM calls WHERE tenant = a.t AND call_id = a.i AND received_at BETWEEN a.since AND a.until AND received_at BETWEEN $5 AND $6 FOR UPDATE) c
SELECT c.tenant, c.call_id, c.received_at FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS a (t, i, since, until), LATERAL (SELECT * FROM calls WHERE tenant = a.t AND call_id = a.i AND received_at BETWEEN a.since AND a.until AND received_at BETWEEN $5 AND $6) c
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $6) c ORDER BY c.received_at DESC, c.call_id DESC LIMIT $5
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.action = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.called_key = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.caller_key = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.class = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.reason = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.sip_call_id = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.state = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $7) c WHERE c.trunk = $5 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $6
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM (SELECT * FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC LIMIT $8) c WHERE c.state = $5 AND c.trunk = $6 ORDER BY c.received_at DESC, c.call_id DESC LIMIT $7
SELECT c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk, c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region, c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS a (t, i, since, until), LATERAL (SELECT * FROM calls WHERE tenant = a.t AND call_id = a.i AND received_at BETWEEN a.since AND a.until AND received_at BETWEEN $5 AND $6) c
SELECT e.tenant, e.call_id, e.event_id, e.digest, e.event FROM unnest($1::text[], $2::uuid[], $3::date[]) AS a (t, i, d) JOIN events e ON e.tenant = a.t AND e.call_id = a.i AND NOT e.beyond AND e.day = a.d WHERE e.day BETWEEN $4 AND $5
SELECT first FROM blocks WHERE NOT deleted AND tenant = $1 LIMIT 1
SELECT first, last FROM blocks WHERE NOT deleted AND first < $1 ORDER BY first DESC LIMIT 1
SELECT first, last FROM blocks WHERE NOT deleted AND first > $1 ORDER BY first LIMIT 1
SELECT first, last, tenant, note, version FROM blocks WHERE NOT deleted AND first = $1
SELECT first, last, tenant, note, version FROM blocks WHERE NOT deleted AND first IN ($1)
SELECT first, last, tenant, note, version FROM blocks WHERE NOT deleted AND first IN ($1, $2)
SELECT first, last, tenant, note, version, deleted FROM blocks WHERE version <= $1 AND version > $2 ORDER BY version, first LIMIT $3
SELECT first, last, tenant, note, version, deleted FROM blocks WHERE version <= $1 AND version >= $2 ORDER BY version, first LIMIT $3
SELECT k.tenant, k.call_id, k.received_at FROM unnest($1::text[], $2::uuid[]) AS a (t, i) JOIN keyed_calls k ON k.tenant = a.t AND k.call_id = a.i
SELECT make_day($1)
SELECT make_day((now() AT TIME ZONE 'UTC')::date + $1::integer)
SELECT name FROM tenants WHERE NOT deleted AND name IN ($1)
SELECT name FROM tenants WHERE NOT deleted AND name IN ($1, $2)
SELECT name FROM users WHERE NOT deleted AND tenant = $1 LIMIT 1
SELECT name, started_at, seen_at, version, schema_version, plan_revision, served_version, snapshot_age_s, journal_bytes, backlog_records, backlog_age_s, plan_from, fault, key_check FROM nodes ORDER BY name
SELECT name, suspended, outside_line_prefixes, version FROM tenants WHERE NOT deleted AND name = $1
SELECT name, suspended, outside_line_prefixes, version FROM tenants WHERE NOT deleted AND name IN ($1)
SELECT name, suspended, outside_line_prefixes, version, deleted FROM tenants WHERE version <= $1 AND version > $2 ORDER BY version, name LIMIT $3
SELECT name, suspended, outside_line_prefixes, version, deleted FROM tenants WHERE version <= $1 AND version >= $2 AND (version, name) > ($2, $3) ORDER BY version, name LIMIT $4
SELECT number FROM numbers WHERE NOT deleted AND tenant = $1 AND user_name = $2 LIMIT 1
SELECT number FROM numbers WHERE NOT deleted AND tenant = $1 LIMIT 1
SELECT number, state, tenant, user_name, cutover, version FROM numbers WHERE NOT deleted AND (number) > ($1) ORDER BY number LIMIT $2
SELECT number, state, tenant, user_name, cutover, version FROM numbers WHERE NOT deleted AND number = $1
SELECT number, state, tenant, user_name, cutover, version FROM numbers WHERE NOT deleted AND number IN ($1)
SELECT number, state, tenant, user_name, cutover, version FROM numbers WHERE NOT deleted AND number IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, $105, $106, $107, $108, $109, $110, $111, $112, $113, $114, $115, $116, $117, $118, $119, $120, $121, $122, $123, $124, $125, $126, $127, $128)
SELECT number, state, tenant, user_name, cutover, version FROM numbers WHERE NOT deleted ORDER BY number LIMIT $1
SELECT number, state, tenant, user_name, cutover, version, deleted FROM numbers WHERE version <= $1 AND version > $2 ORDER BY version, number LIMIT $3
SELECT number, state, tenant, user_name, cutover, version, deleted FROM numbers WHERE version <= $1 AND version >= $2 ORDER BY version, number LIMIT $3
SELECT position FROM ship_positions WHERE journal = $1
SELECT prefix FROM deck_rows WHERE revision = $1 ORDER BY prefix, origin, valid_from LIMIT 1 OFFSET $2
SELECT prefix, origin, valid_from, valid_until, price, connection_fee, surcharge, first_s, next_s FROM deck_rows WHERE revision = $1 AND (prefix, origin, valid_from) > ($3, $4, $5) ORDER BY prefix, origin, valid_from LIMIT $2
SELECT prefix, origin, valid_from, valid_until, price, connection_fee, surcharge, first_s, next_s FROM deck_rows WHERE revision = $1 ORDER BY prefix, origin, valid_from LIMIT $2
SELECT received_at, call_id FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4) ORDER BY received_at DESC, call_id DESC OFFSET $5 LIMIT $6
SELECT revision FROM deck_revisions WHERE NOT loading AND revision NOT IN (SELECT revision FROM decks WHERE NOT deleted) ORDER BY revision LIMIT 1
SELECT revision, author, comment, at, sha256 FROM plans WHERE revision < $1 ORDER BY revision DESC LIMIT $2
SELECT revision, author, comment, at, sha256 FROM plans WHERE revision = $1
SELECT revision, author, comment, at, sha256, text FROM plans WHERE revision = $1
SELECT routing, personal FROM contradictions WHERE tenant = $1 AND call_id = $2 ORDER BY digest
SELECT tenant, extension, name FROM users WHERE NOT deleted AND (tenant, extension) IN (VALUES ($1, $2))
SELECT tenant, extension, name FROM users WHERE NOT deleted AND (tenant, extension) IN (VALUES ($1, $2), ($3, $4))
SELECT tenant, name FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2))
SELECT tenant, name FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8))
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND (tenant, name) > ($1, $2) ORDER BY tenant, name LIMIT $3
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2))
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2), ($3, $4))
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8))
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND (tenant, name) IN (VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8), ($9, $10), ($11, $12), ($13, $14), ($15, $16))
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND tenant = $1 AND name = $2
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted AND tenant = $1 ORDER BY tenant, name LIMIT $2
SELECT tenant, name, extension, devices, preferences, version FROM users WHERE NOT deleted ORDER BY tenant, name LIMIT $1
SELECT tenant, name, extension, devices, preferences, version, deleted FROM users WHERE version <= $1 AND version > $2 ORDER BY version, tenant, name LIMIT $3
SELECT tenant, name, extension, devices, preferences, version, deleted FROM users WHERE version <= $1 AND version >= $2 AND (version, tenant, name) > ($2, $3, $4) ORDER BY version, tenant, name LIMIT $5
SELECT tenant, name, extension, devices, preferences, version, deleted FROM users WHERE version <= $1 AND version >= $2 ORDER BY version, tenant, name LIMIT $3
SELECT trunk, revision, currency, row_count, author, comment, at, version FROM decks WHERE NOT deleted AND trunk = $1
SELECT trunk, revision, currency, row_count, author, comment, at, version FROM decks WHERE NOT deleted AND trunk IN ($1)
SELECT trunk, revision, currency, row_count, author, comment, at, version, deleted FROM decks WHERE version <= $1 AND version > $2 ORDER BY version, trunk LIMIT $3
SELECT trunk, revision, currency, row_count, author, comment, at, version, deleted FROM decks WHERE version <= $1 AND version >= $2 ORDER BY version, trunk LIMIT $3
SELECT version FROM change_counter
SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes WHERE entity = $1 AND key = $2 ORDER BY version DESC, place DESC LIMIT $3
SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes WHERE entity = $1 ORDER BY version DESC, place DESC LIMIT $2
SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes WHERE tenant = $1 AND (version, place) < ($2, $3) ORDER BY version DESC, place DESC LIMIT $4
SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes WHERE tenant = $1 ORDER BY version DESC, place DESC LIMIT $2
SELECT version, revision FROM plan_publications WHERE version <= $1 AND version > $2 ORDER BY version LIMIT $3
SELECT version, revision FROM plan_publications WHERE version <= $1 AND version >= $2 ORDER BY version LIMIT $3
SELECT version, revision, author, comment, at FROM plan_publications ORDER BY version DESC LIMIT 1
UPDATE calls c SET state = a.state, answered_at = a.answered_at, ended_at = a.ended_at, talk_ms = a.talk_ms, cause_q850 = a.cause_q850, cause_sip = a.cause_sip, cdr = a.cdr FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::smallint[], $9::smallint[], $10::json[]) AS a (t, i, at, state, answered_at, ended_at, talk_ms, cause_q850, cause_sip, cdr) WHERE c.tenant = a.t AND c.received_at = a.at AND c.call_id = a.i AND c.received_at BETWEEN $11 AND $12
UPDATE change_counter SET version = version + 1 RETURNING version
UPDATE deck_revisions SET loading = FALSE WHERE loading AND touched_at < $1
UPDATE deck_revisions SET loading = FALSE WHERE revision = $1 AND loading
UPDATE deck_revisions SET loading = FALSE WHERE revision = $1 AND loading RETURNING trunk, currency, row_count
UPDATE deck_revisions SET row_count = row_count + $2, touched_at = $3 WHERE revision = $1 AND loading
UPDATE decks SET deleted = TRUE, version = $1 WHERE trunk = $2
UPDATE numbers SET deleted = TRUE, version = $1 WHERE number = $2
UPDATE tenants SET deleted = TRUE, version = $1 WHERE name = $2
UPDATE users SET deleted = TRUE, version = $1 WHERE tenant = $2 AND name = $3
