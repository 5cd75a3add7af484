, reference AS (
    SELECT found.schema, fact.kind, fact.relation, fact.name, fact.definition
    FROM (SELECT DISTINCT schema FROM fact WHERE schema NOT LIKE '%reference\_') found
    JOIN fact ON fact.schema
        = CASE found.schema WHEN 'platform' THEN 'platform_reference_' ELSE 't_reference_' END
),
difference AS (
    SELECT schema, kind, relation, name, reference.definition AS expected, fact.definition AS found
    FROM reference
    FULL JOIN (SELECT * FROM fact WHERE schema NOT LIKE '%reference\_') fact
        USING (schema, kind, relation, name)
    WHERE reference.definition IS DISTINCT FROM fact.definition
)
SELECT schema, kind, relation, name, expected, found
FROM difference
-- A table that is missing, or too much, is told as that and not column by column.
WHERE (expected IS NOT NULL AND found IS NOT NULL) OR name = '' AND kind <> 'row security'
    OR NOT EXISTS (
        SELECT FROM difference whole
        WHERE whole.schema = difference.schema AND whole.relation = difference.relation
            AND whole.kind IN ('table', 'view', 'materialized view', 'foreign table', 'sequence')
            AND (whole.expected IS NULL OR whole.found IS NULL)
    )
ORDER BY schema, relation, kind, name
