CREATE TABLE teams (
    tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant')::uuid,
    id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    lead_id uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT teams_code_key UNIQUE (tenant_id, code)
);
CREATE INDEX teams_lead_id_code_idx ON teams (tenant_id, lead_id, code);
CREATE INDEX teams_led_idx ON teams (tenant_id, code) WHERE lead_id IS NOT NULL;
CREATE TABLE people (
    tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant')::uuid,
    id uuid NOT NULL,
    state text COLLATE "C" NOT NULL,
    team_id uuid NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT people_state_check CHECK (state IN ('here', 'gone')),
    CONSTRAINT people_no_overlap EXCLUDE USING gist (tenant_id WITH =, team_id WITH =, daterange(valid_from, valid_to) WITH &&) WHERE (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT people_team_id_valid_from_key UNIQUE (tenant_id, team_id, valid_from),
    CONSTRAINT people_id_check CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT people_period_check CHECK (valid_to IS NULL OR valid_to > valid_from)
) WITH (fillfactor = 50);
SET LOCAL ROLE NONE;
ALTER TABLE teams
    ADD CONSTRAINT teams_lead_id_fkey FOREIGN KEY (tenant_id, lead_id) REFERENCES people (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE people
    ADD CONSTRAINT people_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id) ON DELETE RESTRICT;
SET LOCAL ROLE the_owner;
ALTER TABLE teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON teams USING (tenant_id = current_setting('app.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON teams TO the_schema;
GRANT SELECT ON teams TO the_backup;
ALTER TABLE people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON people USING (tenant_id = current_setting('app.tenant')::uuid);
GRANT SELECT, INSERT ON people TO the_schema;
GRANT SELECT ON people TO the_backup;
