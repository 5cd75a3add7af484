-- Nobody has a right that the installation or the helper did not give.
WITH house AS (
    SELECT 'hrms_' || id || '_' AS prefix FROM platform.installation
),
home AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$'
),
-- Every schema but PostgreSQL's own.
place AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
-- By these the public tenant, whose users run the platform, changes tenants and jobs; nobody else may.
changes_tenants (name) AS (
    VALUES ('lock_tenant'), ('change_tenant'), ('suspend_tenant'), ('resume_tenant'),
        ('add_domain'), ('remove_domain'), ('cancel_any_job'), ('retry_any_job'),
        ('claim_tenant')
),
-- By these everybody has work done; they ask themselves who calls.
everybodys (name) AS (
    VALUES ('enqueue_job'), ('finish_job'), ('show_job'), ('cancel_job'), ('unfinished_jobs'), ('record_events'),
        ('read_events'), ('next_events'), ('events_heard'), ('unsealed_audit_events'),
        ('audit_events_sealed'), ('retire_audit_events'), ('release_audit_hold')
),
-- What a worker writes down.
of_workers (name) AS (
    VALUES ('jobs'), ('workers'), ('paused_queues'), ('schedules'), ('schedule_fires'),
        ('recorded_events'), ('events'), ('event_feeds'), ('event_deliveries'),
        ('schedule_generations'), ('audit_events'), ('audit_targets'), ('audit_links'),
        ('audit_seals'), ('audit_subjects'), ('audit_holds'), ('audit_retirements'), ('audit_log'),
        ('audit_checkpoints'), ('audit_permits'), ('audit_unfiled'), ('audit_heads')
),
-- A grant as it is written: what, to whom (PUBLIC is nobody's name), which right.
granted AS (
    SELECT 'table' AS kind, c.oid, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS object,
        'ON TABLE ' || format('%I.%I', n.nspname, c.relname) AS place, n.nspname, c.relowner AS owner,
        acl.grantee, acl.privilege_type AS privilege
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) acl
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.oid IN (SELECT oid FROM place)

    UNION ALL
    SELECT 'column', c.oid, c.relname, format('%I.%I', n.nspname, c.relname),
        format('(%I) ON TABLE %I.%I', a.attname, n.nspname, c.relname), n.nspname, c.relowner,
        acl.grantee, acl.privilege_type
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) acl
    WHERE a.attacl IS NOT NULL AND n.oid IN (SELECT oid FROM place)

    UNION ALL
    SELECT 'schema', n.oid, n.nspname, format('schema %I', n.nspname),
        format('ON SCHEMA %I', n.nspname), n.nspname, n.nspowner,
        acl.grantee, acl.privilege_type
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL pg_catalog.aclexplode(
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) acl
    WHERE n.oid IN (SELECT oid FROM place)

    UNION ALL
    SELECT 'function', p.oid, p.proname, p.oid::regprocedure::text,
        'ON FUNCTION ' || p.oid::regprocedure, n.nspname, p.proowner,
        acl.grantee, acl.privilege_type
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) acl
    WHERE n.oid IN (SELECT oid FROM place) AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        )
        -- What would reach a neighbour, and what makes a large object, which lies in no schema.
        OR p.oid IN (
            'pg_catalog.set_config(text, text, boolean)'::regprocedure,
            'pg_catalog.lo_creat(integer)'::regprocedure,
            'pg_catalog.lo_create(oid)'::regprocedure,
            'pg_catalog.lo_from_bytea(oid, bytea)'::regprocedure
        )

    UNION ALL
    SELECT 'database', d.oid, d.datname, 'database ' || quote_ident(d.datname),
        'ON DATABASE ' || quote_ident(d.datname), NULL, d.datdba,
        acl.grantee, acl.privilege_type
    FROM pg_catalog.pg_database d
    CROSS JOIN LATERAL pg_catalog.aclexplode(
        coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) acl
    WHERE d.datname = current_database()
),
surplus AS (
    SELECT granted.*,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee)::text END AS who
    FROM granted, house
    WHERE granted.grantee <> granted.owner AND NOT EXISTS (
        SELECT FROM (VALUES
            -- What a tenant's transaction does, in its own schema. TRUNCATE would ignore row
            -- security, REFERENCES and TRIGGER belong to the owner.
            ('table', granted.nspname, granted.nspname, ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
            ('schema', granted.nspname, granted.nspname, ARRAY['USAGE']),
            -- The application reads the registry.
            ('table', 'platform', 'platform', ARRAY['SELECT']),
            ('schema', 'platform', 'platform', ARRAY['USAGE']),
            ('table', 'platform', 'migrator', ARRAY['SELECT']),
            ('table', 'platform', 'owner', ARRAY['SELECT']),
            ('table', granted.nspname, 'backup', ARRAY['SELECT']),
            ('schema', granted.nspname, 'backup', ARRAY['USAGE']),
            ('function', 'platform', 'platform', ARRAY['EXECUTE']),
            ('function', 'platform', 'migrator', ARRAY['EXECUTE']),
            ('schema', 'platform', 'public', ARRAY['USAGE']),
            ('function', 'platform', 'public', ARRAY['EXECUTE']),
            ('function', 'pg_catalog', 'migrator', ARRAY['EXECUTE']),
            ('function', 'pg_catalog', 'backup', ARRAY['EXECUTE']),
            ('function', 'pg_catalog', 'restore', ARRAY['EXECUTE']),
            ('database', NULL, 'app', ARRAY['CONNECT']),
            ('database', NULL, 'migrator', ARRAY['CONNECT']),
            ('database', NULL, 'backup', ARRAY['CONNECT']),
            ('database', NULL, 'restore', ARRAY['CONNECT']),
            ('database', NULL, 'owner', ARRAY['CREATE'])
        ) AS allowed (kind, nspname, role, privileges)
        WHERE allowed.kind = granted.kind
            AND allowed.nspname IS NOT DISTINCT FROM granted.nspname
            AND prefix || allowed.role = pg_catalog.pg_get_userbyid(granted.grantee)
            AND granted.privilege = ANY (allowed.privileges)
            AND (granted.nspname <> 'platform' OR granted.kind <> 'table'
                OR granted.privilege = 'SELECT'
                OR (allowed.role = 'platform' AND granted.name IN (SELECT name FROM of_workers)))
            -- Only the migrator makes and drops schema roles; nobody reads the ORM's own record.
            AND NOT (granted.kind = 'function' AND granted.name ~ '_schema_role$'
                AND allowed.role <> 'migrator')
            AND (granted.kind <> 'function' OR granted.nspname <> 'platform'
                OR (allowed.role = 'public')
                    = (granted.name IN (SELECT name FROM changes_tenants)))
            AND NOT (granted.name = 'seaql_migrations' AND allowed.role <> 'backup')
    )
    AND NOT (granted.grantee = 0 AND granted.nspname = 'platform' AND (
        (granted.kind = 'schema' AND granted.privilege = 'USAGE')
        OR (granted.kind = 'function' AND granted.name IN (SELECT name FROM everybodys))
    ))
),
finding AS (
    SELECT object, format('%s has %s', who, string_agg(privilege, ', ' ORDER BY privilege)) AS problem,
        format('REVOKE %s %s FROM %s', string_agg(privilege, ', ' ORDER BY privilege), place,
            CASE who WHEN 'PUBLIC' THEN who ELSE quote_ident(who) END) AS remedy
    FROM surplus GROUP BY object, place, who

    UNION ALL
    SELECT 'schema ' || quote_ident(n.nspname),
        'its owner is ' || pg_catalog.pg_get_userbyid(n.nspowner),
        format('ALTER SCHEMA %I OWNER TO %sowner', n.nspname, prefix)
    FROM pg_catalog.pg_namespace n, house
    WHERE (n.nspname IN ('platform', 'extensions') OR n.oid IN (SELECT oid FROM home))
        AND pg_catalog.pg_get_userbyid(n.nspowner) <> prefix || 'owner'

    UNION ALL
    SELECT 'schema ' || quote_ident(nspname), 'neither the installation nor a migration makes it',
        format('DROP SCHEMA %I CASCADE; what is still needed belongs into another database', nspname)
    FROM place
    WHERE nspname NOT IN ('platform', 'extensions') AND oid NOT IN (SELECT oid FROM home)

    -- What somebody makes later would come with these rights. One entry is ours: it takes a right away.
    UNION ALL
    SELECT format('default privileges of %s%s', pg_catalog.pg_get_userbyid(d.defaclrole),
            ' in schema ' || quote_ident(n.nspname)),
        format('what he makes there (%s) comes with %s', kind.name, d.defaclacl),
        coalesce(
            (SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s',
                    pg_catalog.pg_get_userbyid(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname),
                    kind.name, string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC'
                        ELSE quote_ident(pg_catalog.pg_get_userbyid(grantee)) END, ', '))
                FROM pg_catalog.aclexplode(d.defaclacl) WHERE grantee <> d.defaclrole
                HAVING count(*) > 0),
            'give the right back that this takes away: ALTER DEFAULT PRIVILEGES … GRANT')
    FROM pg_catalog.pg_default_acl d
    CROSS JOIN house
    JOIN (VALUES ('r', 'TABLES'), ('S', 'SEQUENCES'), ('f', 'FUNCTIONS'), ('T', 'TYPES'),
        ('n', 'SCHEMAS'), ('L', 'LARGE OBJECTS')) AS kind (letter, name)
        ON kind.letter = d.defaclobjtype::text
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
    WHERE NOT (d.defaclobjtype = 'f' AND d.defaclnamespace = 0
        AND pg_catalog.pg_get_userbyid(d.defaclrole) = prefix || 'owner'
        AND NOT EXISTS (
            SELECT FROM pg_catalog.aclexplode(d.defaclacl) acl WHERE acl.grantee <> d.defaclrole))

    UNION ALL
    SELECT format('default privileges of %sowner', prefix),
        'everybody may call the functions that migrations make',
        format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
            prefix || 'owner')
    FROM house
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_default_acl d
        WHERE d.defaclobjtype = 'f' AND d.defaclnamespace = 0
            AND pg_catalog.pg_get_userbyid(d.defaclrole) = prefix || 'owner'
    )

    UNION ALL
    SELECT p.oid::regprocedure::text, 'it runs with its owner''s rights and its caller''s search_path',
        format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', p.oid::regprocedure)
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting ~ '^search_path=')

    UNION ALL
    SELECT 'function platform.' || expected.name,
        'it is missing, or does not belong to ' || prefix || 'roles',
        'install again, as a superuser'
    FROM house, (VALUES ('create_schema_role'), ('drop_schema_role')) AS expected (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'platform' AND p.proname = expected.name AND p.prosecdef
            AND pg_catalog.pg_get_userbyid(p.proowner) = prefix || 'roles'
    )

    UNION ALL
    SELECT 'extension btree_gist', 'it is not in the schema "extensions"',
        'ALTER EXTENSION btree_gist SET SCHEMA extensions'
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'btree_gist' AND n.nspname = 'extensions'
    )
)
SELECT object, problem, remedy FROM finding ORDER BY object, problem
