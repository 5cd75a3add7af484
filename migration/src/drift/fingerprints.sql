SELECT schema, count(*) || ' ' || sum(pg_catalog.hashtextextended(
        concat_ws(E'\x1f', kind, relation, name, definition), 0)::numeric) AS fingerprint
FROM fact GROUP BY schema ORDER BY schema
