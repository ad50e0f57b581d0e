-- Retention: what a tenant has of its own, and what finds records whose time is over.
--
-- Emergency calls are few and kept for a time of their own: their index holds them alone. Keys come in the order of
-- time, so an index of ranges of pages costs their writer nothing.

ALTER TABLE tenants ADD COLUMN retention jsonb NOT NULL DEFAULT '{}';

CREATE INDEX calls_emergency ON calls (tenant, received_at, call_id) WHERE class = 'emergency';

CREATE INDEX keyed_calls_by_time ON keyed_calls USING brin (received_at);
