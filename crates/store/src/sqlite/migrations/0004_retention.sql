-- Retention: what a tenant has of its own, and what finds emergency calls, which are few and kept for a time of their own.

ALTER TABLE tenants ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';

CREATE INDEX calls_emergency ON calls (tenant, received_at, call_id) WHERE class = 'emergency';
