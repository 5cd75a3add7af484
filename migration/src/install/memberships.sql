-- Both logins take the role of every schema that has one: whoever lost it gets it back.
DO $$
DECLARE
    home name;
BEGIN
    FOR home IN
        SELECT n.nspname FROM pg_catalog.pg_namespace n
        JOIN pg_catalog.pg_roles taken ON taken.rolname = 'hrms_{id}_' || n.nspname
        CROSS JOIN (VALUES ('hrms_{id}_app'), ('hrms_{id}_migrator')) AS login (name)
        JOIN pg_catalog.pg_roles member ON member.rolname = login.name
        LEFT JOIN pg_catalog.pg_auth_members m ON m.roleid = taken.oid AND m.member = member.oid
        WHERE n.nspname ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4}|public)$' AND m.roleid IS NULL
    LOOP
        PERFORM platform.create_schema_role(home);
    END LOOP;
END
$$;
