-- How many calls a second a tenant may make that no plan has; none is no limit.
ALTER TABLE tenants ADD COLUMN calls_per_s_max bigint;
