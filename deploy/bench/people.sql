-- The bench's people, made by a superuser behind the walls: what hiring would write, minutes sooner.
--
-- Ids follow from the numbers of the tenant and of the row, so that a load generator can name any
-- employee without asking: 01900000-TTTT-7000-8000-0000EEEEEEEE. They lie before any id that is
-- drawn today, which is how what a run has added is told from what was here.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- The rows refer to each other correctly by construction; checking it a million times takes minutes.
SET session_replication_role = replica;

CREATE FUNCTION pg_temp.id(tenant_number integer, kind integer, number integer) RETURNS uuid
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT ('01900000-' || lpad(to_hex(tenant_number), 4, '0') || '-7' || lpad(to_hex(kind), 3, '0')
        || '-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;

CREATE FUNCTION pg_temp.family_name(number integer) RETURNS text
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT (ARRAY['Abe', 'Bau', 'Cor', 'Del', 'Eng', 'Fer', 'Gar', 'Hol', 'Iva', 'Jan', 'Kel', 'Lin',
            'Mor', 'Nor', 'Oka', 'Per', 'Ros', 'Sch', 'Tan', 'Vas', 'Wil', 'Yam', 'Zim'])[1 + number % 23]
        || (ARRAY['ford', 'mann', 'ero', 'sen', 'ic', 'ton', 'ura', 'wood', 'berg', 'ley', 'son', 'sky',
            'ner', 'field', 'ott', 'ez', 'ini', 'au', 'ski'])[1 + number / 23 % 19]
$$;

CREATE FUNCTION pg_temp.first_name(number integer) RETURNS text
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT (ARRAY['Aiko', 'Ben', 'Carla', 'Deniz', 'Elena', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas',
        'Keiko', 'Liam', 'Maria', 'Noah', 'Olga', 'Pavel', 'Quinn', 'Rosa', 'Sven', 'Tara', 'Uma',
        'Viktor', 'Wanda', 'Xavier', 'Yusuf', 'Zoe'])[1 + number * 7 % 26]
$$;

-- Fills a tenant with people, the organisation they work in, their employments and their pay. One in
-- ten has an earlier employment, one in twenty has left.
CREATE FUNCTION pg_temp.fill(schema_name text, tenant uuid, tenant_number integer, people integer)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('search_path', schema_name || ', extensions', true);
    PERFORM set_config('app.tenant', tenant::text, true);

    INSERT INTO departments (id, code, name, name_key, created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 1, n), 'D' || n, 'Department ' || n, 'department ' || n, now(), now()
    FROM generate_series(1, 12) AS n;

    INSERT INTO job_titles (id, code, name, name_key, created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 2, n), 'J' || n, 'Job ' || n, 'job ' || n, now(), now()
    FROM generate_series(1, 20) AS n;

    INSERT INTO locations (id, code, name, name_key, country, created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 3, n), 'L' || n, 'Location ' || n, 'location ' || n, 'DE', now(), now()
    FROM generate_series(1, 5) AS n;

    INSERT INTO employees (id, employee_number, first_name, last_name, first_name_key, last_name_key,
        work_email, work_email_key, phone, original_hire_date, hire_date, employed_until,
        created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 0, n), (1000 + n)::text,
        pg_temp.first_name(n), pg_temp.family_name(n),
        lower(pg_temp.first_name(n)), lower(pg_temp.family_name(n)),
        lower(pg_temp.first_name(n)) || n || '@bench.example',
        lower(pg_temp.first_name(n)) || n || '@bench.example',
        '+49 30 ' || 100000 + n,
        date '2005-01-03' + n * 37 % 7000,
        date '2005-01-03' + n * 37 % 7000,
        CASE WHEN n % 20 = 0 THEN date '2025-06-01' END,
        now(), now()
    FROM generate_series(1, people) AS n;

    INSERT INTO employments (id, employee_id, valid_from, valid_to, department_id, job_title_id,
        location_id, manager_id, employment_type, created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 4, 2 * n + earlier), e.id,
        CASE WHEN earlier = 0 AND n % 10 = 1 THEN e.hire_date + 100 ELSE e.hire_date END,
        CASE WHEN earlier = 1 THEN e.hire_date + 100 ELSE e.employed_until END,
        pg_temp.id(tenant_number, 1, 1 + (n + earlier) % 12), pg_temp.id(tenant_number, 2, 1 + n % 20),
        pg_temp.id(tenant_number, 3, 1 + n % 5),
        CASE WHEN n > 1 THEN pg_temp.id(tenant_number, 0, 1 + n / 10) END,
        (ARRAY['full_time', 'full_time', 'full_time', 'part_time'])[1 + n % 4], now(), now()
    FROM generate_series(1, people) AS n
    CROSS JOIN generate_series(0, 1) AS earlier
    JOIN employees e ON e.tenant_id = tenant AND e.id = pg_temp.id(tenant_number, 0, n)
    WHERE earlier = 0 OR n % 10 = 1;

    INSERT INTO compensations (id, employee_id, valid_from, valid_to, amount_minor, currency, pay_period,
        created_at, updated_at)
    SELECT pg_temp.id(tenant_number, 5, n), e.id, e.hire_date, e.employed_until,
        3000000 + n * 7919 % 6000000, 'EUR', 'yearly', now(), now()
    FROM generate_series(1, people) AS n
    JOIN employees e ON e.tenant_id = tenant AND e.id = pg_temp.id(tenant_number, 0, n);

    INSERT INTO counters (id, name, value)
    VALUES ('00000000-0000-0000-0000-000000000001', 'employees', 1000 + people)
    ON CONFLICT ON CONSTRAINT counters_name_key DO UPDATE SET value = excluded.value;
END
$$;
