-- The rights on the database itself, which `CREATE DATABASE … TEMPLATE` does not copy.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO '
        'hrms_{id}_app, hrms_{id}_migrator, hrms_{id}_backup, hrms_{id}_restore',
        current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO hrms_{id}_owner', current_database());
END
$$;
