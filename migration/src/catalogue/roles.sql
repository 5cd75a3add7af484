-- Every role of the installation is what it was made as, and belongs to what it was put in.
WITH house AS (
    SELECT 'hrms_' || id || '_' AS prefix FROM platform.installation
),
home AS (
    SELECT n.oid, n.nspname, prefix || n.nspname AS role_name
    FROM pg_catalog.pg_namespace n, house
    WHERE n.nspname ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$'
),
-- Roles without a word on inheriting or logging in may do either.
fixed (name, bypasses, makes_roles, inherits, logs_in) AS (
    VALUES
        ('owner', false, false, NULL::boolean, false),
        ('roles', false, true, NULL, false),
        ('platform', false, false, NULL, false),
        ('app', false, false, false, NULL),
        ('migrator', true, false, true, NULL),
        ('backup', true, false, NULL, NULL),
        ('restore', true, false, NULL, NULL)
),
expected AS (
    SELECT prefix || name AS role_name, bypasses, makes_roles, inherits, logs_in FROM fixed, house
    UNION ALL
    SELECT prefix || substr(r.rolname, length(prefix) + 1), false, false, NULL, false
    FROM pg_catalog.pg_roles r, house
    WHERE starts_with(r.rolname, prefix)
        AND substr(r.rolname, length(prefix) + 1) ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$'
),
ours AS (
    SELECT r.oid, r.rolname, substr(r.rolname, length(prefix) + 1) AS name, r.rolsuper,
        r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolinherit, r.rolcanlogin
    FROM pg_catalog.pg_roles r, house WHERE starts_with(r.rolname, prefix)
),
-- Who takes which role: what the installation gives, and the role of each schema to both logins.
wanted AS (
    SELECT prefix || given.member AS member, prefix || given.taken AS taken
    FROM house, (VALUES
        ('app', 'platform'), ('migrator', 'platform'), ('migrator', 'owner'), ('restore', 'owner')
    ) AS given (member, taken)
    UNION ALL
    SELECT prefix || login.name, home.role_name
    FROM house, home, (VALUES ('app'), ('migrator')) AS login (name)
),
member AS (
    SELECT member.rolname AS member, taken.rolname AS taken, m.admin_option
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles taken ON taken.oid = m.roleid
    JOIN pg_catalog.pg_roles member ON member.oid = m.member
    CROSS JOIN house
    WHERE starts_with(taken.rolname, prefix) OR starts_with(member.rolname, prefix)
),
-- What a role owns or may use, in this database or in all.
depends AS (
    SELECT ours.rolname, ours.name, d.deptype, d.classid, d.objid, d.objsubid,
        coalesce(c.relnamespace, p.pronamespace,
            CASE d.classid WHEN 'pg_catalog.pg_namespace'::regclass THEN d.objid END) AS schema_oid
    FROM ours
    JOIN pg_catalog.pg_shdepend d
        ON d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = ours.oid
    LEFT JOIN pg_catalog.pg_class c
        ON d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid
    LEFT JOIN pg_catalog.pg_proc p
        ON d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid
    WHERE d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
),
finding AS (
    SELECT 'role ' || expected.role_name AS object, 'it is missing' AS problem,
        'install again, as a superuser' AS remedy
    FROM expected WHERE expected.role_name NOT IN (SELECT rolname FROM ours)

    UNION ALL
    SELECT 'role ' || rolname, 'its name is none that the installation makes', format('DROP ROLE %I', rolname)
    FROM ours WHERE rolname NOT IN (SELECT role_name FROM expected)

    UNION ALL
    SELECT 'role ' || ours.rolname, 'it ' || attribute.has, format('ALTER ROLE %I %s', ours.rolname, attribute.word)
    FROM ours
    JOIN expected ON expected.role_name = ours.rolname
    CROSS JOIN LATERAL (VALUES
        (ours.rolsuper, 'is a superuser', 'NOSUPERUSER'),
        (ours.rolcreatedb, 'makes databases', 'NOCREATEDB'),
        (ours.rolreplication, 'replicates', 'NOREPLICATION'),
        (ours.rolbypassrls AND NOT expected.bypasses, 'bypasses row security', 'NOBYPASSRLS'),
        (expected.bypasses AND NOT ours.rolbypassrls, 'is bound by row security', 'BYPASSRLS'),
        (ours.rolcreaterole AND NOT expected.makes_roles, 'makes roles', 'NOCREATEROLE'),
        (expected.makes_roles AND NOT ours.rolcreaterole, 'cannot make roles', 'CREATEROLE'),
        (ours.rolinherit AND NOT expected.inherits, 'inherits the rights of its roles', 'NOINHERIT'),
        (expected.inherits AND NOT ours.rolinherit, 'does not inherit the rights of the owner', 'INHERIT'),
        (ours.rolcanlogin AND NOT expected.logs_in, 'can log in', 'NOLOGIN')
    ) AS attribute (wrong, has, word)
    WHERE attribute.wrong

    UNION ALL
    SELECT 'schema ' || quote_ident(home.nspname), 'it has tables and no role ' || home.role_name,
        format('SELECT platform.create_schema_role(%L), and grant it the rights', home.nspname)
    FROM home
    WHERE home.role_name NOT IN (SELECT rolname FROM ours)
        AND EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = home.oid AND relkind = 'r')

    UNION ALL
    SELECT 'role ' || wanted.member, 'it is not a member of ' || wanted.taken,
        format('GRANT %I TO %I', wanted.taken, wanted.member)
    FROM wanted
    JOIN ours ON ours.rolname = wanted.taken
    LEFT JOIN member ON member.member = wanted.member AND member.taken = wanted.taken
    WHERE member.member IS NULL

    UNION ALL
    SELECT 'role ' || member.member, 'it is a member of ' || member.taken,
        format('REVOKE %I FROM %I', member.taken, member.member)
    FROM member
    CROSS JOIN house
    LEFT JOIN wanted USING (member, taken)
    WHERE (wanted.member IS NULL OR member.admin_option)
        -- A schema that is gone may have left its role.
        AND NOT (member.member IN (prefix || 'app', prefix || 'migrator') AND NOT member.admin_option
            AND substr(member.taken, length(prefix) + 1) ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$')
        -- Since PostgreSQL 16 who makes a role administers it.
        AND NOT (member.member = prefix || 'roles'
            AND substr(member.taken, length(prefix) + 1) ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$')

    UNION ALL
    SELECT 'role ' || rolname, 'it owns ' || pg_catalog.pg_describe_object(classid, objid, objsubid),
        'REASSIGN OWNED BY ' || quote_ident(rolname)
    FROM depends
    WHERE deptype = 'o' AND name NOT IN ('owner', 'roles')

    UNION ALL
    SELECT 'role ' || rolname,
        'it has rights on ' || pg_catalog.pg_describe_object(classid, objid, objsubid),
        'revoke them: its place is its schema'
    FROM depends
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = depends.schema_oid
    WHERE deptype = 'a' AND CASE
        WHEN name = 'app' THEN classid <> 'pg_catalog.pg_database'::regclass
        WHEN name = 'platform' OR name ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$' THEN
            n.nspname IS DISTINCT FROM name
            -- The public tenant changes tenants by functions; which, the rights say.
            AND NOT (name = 'public' AND n.nspname IS NOT DISTINCT FROM 'platform'
                AND classid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_namespace'::regclass))
        ELSE false
    END

    UNION ALL
    SELECT 'role ' || rolname, 'its search_path is not empty',
        format('ALTER ROLE %I SET search_path = ''''', rolname)
    FROM ours
    WHERE name = 'app' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_db_role_setting s
        WHERE s.setrole = ours.oid AND s.setdatabase = 0 AND 'search_path=""' = ANY (s.setconfig)
    )

    UNION ALL
    -- Whatever else is set for a role is in force in every transaction, without anybody seeing it.
    SELECT 'role ' || rolname, format('it sets %s for itself', setting),
        format('ALTER ROLE %I%s RESET %I', rolname, ' IN DATABASE ' || quote_ident(d.datname), split_part(setting, '=', 1))
    FROM ours
    JOIN pg_catalog.pg_db_role_setting s ON s.setrole = ours.oid
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    CROSS JOIN unnest(s.setconfig) setting
    WHERE setting !~* '^app\.tenant='
    AND NOT (name = 'app' AND s.setdatabase = 0 AND setting ~ '^(search_path=|random_page_cost=1\.1$)')

    UNION ALL
    -- With these nobody can work, or not as the walls want it.
    SELECT coalesce('database ' || d.datname, 'the cluster'), format('it sets %s for everybody', setting),
        format('ALTER DATABASE %I RESET %I, or ALTER ROLE ALL RESET %2$I',
            pg_catalog.current_database(), split_part(setting, '=', 1))
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    CROSS JOIN unnest(s.setconfig) setting
    WHERE s.setrole = 0 AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
    AND setting ~ '^(row_security|role|session_replication_role|default_transaction_[a-z_]+)='

    UNION ALL
    SELECT coalesce('role ' || r.rolname, 'database ' || d.datname, 'the cluster'),
        'it sets a tenant before any transaction has chosen one', 'RESET "app.tenant" there'
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE EXISTS (SELECT FROM unnest(s.setconfig) setting WHERE setting ~* '^app\.tenant=')
)
SELECT object, problem, remedy FROM finding ORDER BY object, problem
