-- Every table in a tenant schema is one that the helper could have made.
WITH house AS (
    SELECT 'hrms_' || id || '_' AS prefix FROM platform.installation
),
home AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$'
),
relation AS (
    SELECT c.oid, format('%I.%I', home.nspname, c.relname) AS name, c.relkind, c.relowner,
        c.relrowsecurity, c.relforcerowsecurity, c.relnamespace
    FROM pg_catalog.pg_class c
    JOIN home ON home.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
),
-- The ORM's record of migrations holds nothing about a tenant, and no tenant role has rights on it.
tenant_table AS (
    SELECT relation.*, tenant_id.attnum AS tenant_id, id.attnum AS id
    FROM relation
    LEFT JOIN pg_catalog.pg_attribute tenant_id
        ON tenant_id.attrelid = relation.oid AND tenant_id.attname = 'tenant_id'
    LEFT JOIN pg_catalog.pg_attribute id ON id.attrelid = relation.oid AND id.attname = 'id'
    WHERE relation.relkind IN ('r', 'p') AND relation.name !~ '\.seaql_migrations$'
),
-- What keeps the audit: on which table, by which function, at what (as pg_trigger has it: 27 before
-- UPDATE and DELETE of a row, 34 before TRUNCATE, 4 after INSERT of a statement).
kept AS (
    SELECT relation.oid, relation.name, (c.relname || suffix)::name AS trigger,
        to_regprocedure(function) AS function, type
    FROM relation
    JOIN pg_catalog.pg_class c ON c.oid = relation.oid
    CROSS JOIN (VALUES
        ('_kept', 'platform.keep_audit()', 27),
        ('_kept_whole', 'platform.keep_audit()', 34),
        ('_noted', 'platform.note_audit_events()', 4)
    ) AS expected (suffix, function, type)
    WHERE c.relname IN ('audit_events', 'audit_targets', 'audit_links', 'audit_seals', 'audit_retirements')
        AND (suffix <> '_noted' OR c.relname = 'audit_events')
),
finding AS (
    SELECT name AS object, 'its owner is ' || pg_catalog.pg_get_userbyid(relowner) AS problem,
        format('ALTER TABLE %s OWNER TO %sowner', name, prefix) AS remedy
    FROM relation, house
    WHERE pg_catalog.pg_get_userbyid(relowner) <> prefix || 'owner'

    UNION ALL
    SELECT name, 'it is a view or a foreign table, which row security does not bind',
        'drop it and query the tables'
    FROM relation WHERE relkind IN ('v', 'm', 'f')

    -- What runs by itself when a tenant writes is seen by no wall.
    UNION ALL
    SELECT name, format('it has a trigger, %I', t.tgname), format('DROP TRIGGER %I ON %s', t.tgname, name)
    FROM relation
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = relation.oid
    WHERE NOT t.tgisinternal AND NOT EXISTS (
        SELECT FROM kept WHERE kept.oid = relation.oid AND kept.trigger = t.tgname
            AND kept.function = t.tgfoid AND kept.type = t.tgtype
    )

    -- The audit is appended to and nothing else, whoever comes.
    UNION ALL
    SELECT kept.name, format('its trigger %I is missing or does not fire', kept.trigger),
        'put it back as the migration of the audit makes it; until then anything may have been changed'
    FROM kept
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = kept.oid AND t.tgname = kept.trigger AND t.tgfoid = kept.function
            AND t.tgtype = kept.type AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL
    )

    UNION ALL
    SELECT DISTINCT name, 'its foreign keys are not upheld', format('ALTER TABLE %s ENABLE TRIGGER ALL', name)
    FROM relation
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = relation.oid
    WHERE t.tgisinternal AND t.tgenabled <> 'O'

    UNION ALL
    SELECT name, format('it has a rule, %I', r.rulename), format('DROP RULE %I ON %s', r.rulename, name)
    FROM relation
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = relation.oid
    WHERE r.rulename <> '_RETURN'

    UNION ALL
    SELECT name,
        'tenant_id is not "uuid NOT NULL DEFAULT current_setting(''app.tenant'')::uuid"',
        'make the table with TenantTable'
    FROM tenant_table t
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = t.oid AND a.attnum = t.tenant_id AND a.attnotnull
            AND a.atttypid = 'uuid'::regtype
            AND pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                = '(current_setting(''app.tenant''::text))::uuid'
    )

    UNION ALL
    SELECT name, 'row security is not enabled', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name)
    FROM tenant_table WHERE NOT relrowsecurity

    UNION ALL
    SELECT name, 'row security is not forced', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name)
    FROM tenant_table WHERE NOT relforcerowsecurity

    UNION ALL
    SELECT name, 'it lacks the policy tenant_isolation, or has another one of that name',
        format('CREATE POLICY tenant_isolation ON %s '
            'USING (tenant_id = current_setting(''app.tenant'')::uuid)', name)
    FROM tenant_table t
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_policy p
        WHERE p.polrelid = t.oid AND p.polname = 'tenant_isolation' AND p.polcmd = '*'
            AND p.polpermissive AND p.polroles = '{0}' AND p.polwithcheck IS NULL
            AND pg_catalog.pg_get_expr(p.polqual, p.polrelid)
                = '(tenant_id = (current_setting(''app.tenant''::text))::uuid)'
    )

    UNION ALL
    SELECT name, format('it has another policy, %I', p.polname),
        format('DROP POLICY %I ON %s', p.polname, name)
    FROM tenant_table t
    JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid AND p.polname <> 'tenant_isolation'

    UNION ALL
    SELECT name, 'its primary key is not (tenant_id, id)', 'make the table with TenantTable'
    FROM tenant_table t
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = t.oid AND k.contype = 'p' AND k.conkey = ARRAY[t.tenant_id, t.id]
    )

    UNION ALL
    SELECT name, format('index %s does not start with tenant_id', i.indexrelid::regclass),
        'drop it and make one that does: it would serve no tenant, or compare all of them'
    FROM tenant_table t
    JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
    WHERE i.indkey[0] IS DISTINCT FROM t.tenant_id

    UNION ALL
    SELECT t.name, format('foreign key %I leaves the tenant', k.conname),
        'let it carry tenant_id: (tenant_id, …) REFERENCES … (tenant_id, id), in the same schema'
    FROM tenant_table t
    JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
    LEFT JOIN tenant_table target ON target.oid = k.confrelid
    WHERE target.relnamespace IS DISTINCT FROM t.relnamespace
        OR k.conkey[1] IS DISTINCT FROM t.tenant_id
        OR k.confkey[1] IS DISTINCT FROM target.tenant_id

    UNION ALL
    SELECT t.name, format('foreign key %I may change rows that nobody named', k.conname),
        'let it say ON DELETE RESTRICT or ON DELETE SET NULL (column), and nothing ON UPDATE'
    FROM tenant_table t
    JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
    WHERE k.confupdtype <> 'a' OR NOT (
        k.confdeltype = 'r' OR (
            k.confdeltype = 'n' AND k.confdelsetcols IS NOT NULL
            AND t.tenant_id <> ALL (k.confdelsetcols)
        )
    )

    UNION ALL
    SELECT t.name, format('column %I is compared and not of collation "C"', a.attname),
        format('ALTER TABLE %s ALTER COLUMN %I TYPE text COLLATE "C"', t.name, a.attname)
    FROM tenant_table t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped
    JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
    WHERE a.attname ~ '_key$' AND c.collname <> 'C'
)
SELECT object, problem, remedy FROM finding ORDER BY object, problem
