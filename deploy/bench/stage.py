"""The stage: a database with tenants in three placements, and the API beside it."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse
from dataclasses import dataclass

ROOT = pathlib.Path(os.environ["HRMS_BENCH_ROOT"])
STATE = pathlib.Path(os.environ["HRMS_BENCH_STATE"])
PROGRAMS = pathlib.Path(os.environ["HRMS_BENCH_PROGRAMS"])
HERE = pathlib.Path(__file__).parent
CREDENTIALS = STATE / "credentials"
DATABASE = "hrms_bench"
ADMINISTRATOR = "admin@bench.example"
PASSWORD = "a-password-of-the-bench"
# What a run adds has ids that are drawn today; those of the stage lie before this one.
FIRST_ADDED = "01910000-0000-0000-0000-000000000000"


class Failed(Exception):
    """What went wrong, in words for whoever runs the bench."""


@dataclass(frozen=True)
class Tenant:
    """A tenant of the stage; its employees' ids follow from its number (people.sql)."""

    number: int
    slug: str
    schema: str
    id: str


@dataclass(frozen=True)
class Placement:
    """Tenants that a run draws from, with so many employees each."""

    name: str
    tenants: list
    employees: int

    @property
    def is_pooled(self):
        return self.tenants[0].schema.startswith("pool_")


@dataclass(frozen=True)
class Size:
    """How large the stage is."""

    dedicated: int = 100
    dedicated_employees: int = 1000
    pooled: int = 1000
    pooled_employees: int = 100


def say(text):
    print(f"bench: {text}", flush=True)


def admin_url(database=DATABASE):
    return os.environ["HRMS_BENCH_ADMIN_URL"].rsplit("/", 1)[0] + "/" + database


def sql(text, database=DATABASE):
    """Runs SQL as a superuser; the rows, as lists of texts."""
    done = subprocess.run(
        ["psql", admin_url(database), "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=text, capture_output=True, text=True,
    )
    if done.returncode != 0:
        raise Failed(f"psql: {done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines() if line]


def employee_id(tenant, number, kind=0):
    """As people.sql has it; kinds are 0 employee, 1 department, 2 job title, 3 location."""
    return f"01900000-{tenant:04x}-7{kind:03x}-8000-{number:012x}"


def environment(**settings):
    """The environment of a program of the platform: nobody else's settings, and these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HRMS_")}
    return {**clean, **settings}


def bootstrap(*arguments):
    done = subprocess.run(
        [PROGRAMS / "hrms-bootstrap", *arguments, "--credentials-dir", CREDENTIALS],
        env=environment(HRMS_DATABASE__ADMIN_URL=admin_url()), capture_output=True, text=True,
    )
    if done.returncode != 0:
        raise Failed(f"hrms-bootstrap {arguments[0]}: {done.stdout}{done.stderr}")


def create_tenant(slug, placement):
    bootstrap("tenant", "create", "--slug", slug, "--name", slug, "--placement", placement,
              "--admin-email", ADMINISTRATOR, "--password-file", STATE / "password")


def milliseconds(*arguments):
    """How long a command of the operator takes."""
    begun = time.monotonic()
    bootstrap(*arguments)
    return (time.monotonic() - begun) * 1000


def new_tenant(placement, number):
    """How long it takes to create one more tenant, which no other measurement asks."""
    slug = f"new-{placement}-{number}-{time.time_ns() % 1_000_000_000}"
    return milliseconds("tenant", "create", "--slug", slug, "--name", slug, "--placement", placement,
                        "--admin-email", ADMINISTRATOR, "--password-file", STATE / "password")


def started():
    """Seconds from the start of hrms-api to its first answer that it is ready."""
    api = Api()
    api.stop()
    return api.ready_after


def keep_what_it_is_told():
    """A cluster of this clone that is not `dev` trades durability for speed: not this one."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        sql(f"ALTER SYSTEM SET {setting} = on", "postgres")
    sql("ALTER SYSTEM SET log_statement = none; SELECT pg_reload_conf()", "postgres")
    time.sleep(0.5)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        if sql(f"SHOW {setting}", "postgres") != [["on"]]:
            raise Failed(f"PostgreSQL runs with {setting} = off")


def build(size):
    """Makes the stage anew, unless the one that is there was made of the same things."""
    keep_what_it_is_told()
    made_of = [(ROOT / "migration/manifest.toml").read_bytes(), (HERE / "people.sql").read_bytes(),
               pathlib.Path(__file__).read_bytes(), repr(size).encode()]
    stamp = hashlib.sha256(b"".join(made_of)).hexdigest()
    exists = sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", "postgres")
    if exists and sql(f"SELECT shobj_description(oid, 'pg_database') FROM pg_database "
                      f"WHERE datname = '{DATABASE}'") == [[stamp]]:
        say("the stage stands already")
        remove_added()
        end_sessions()
        return
    begun = time.monotonic()
    say(f"building the stage: {size.dedicated} dedicated tenants with {size.dedicated_employees} "
        f"employees each, {size.pooled} pooled ones with {size.pooled_employees}")
    sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", "postgres")
    sql("SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname ~ '^hrms_[0-9a-f]{8}_'"
        "\n\\gexec", "postgres")
    sql(f"CREATE DATABASE {DATABASE}", "postgres")
    for secret in CREDENTIALS.glob("*"):
        secret.unlink()
    (STATE / "password").write_text(PASSWORD + "\n")
    bootstrap("up", "--administrator", ADMINISTRATOR)
    for number in range(1, size.dedicated + 1):
        create_tenant(f"d{number:04d}", "dedicated")
    # One pooled tenant as the platform makes it; the others are its copies, which differ in a row of
    # the registry and one of users: a thousand hashes of the same password are worth nothing here.
    create_tenant("pattern", "pooled")
    sql(COPIES.replace("{count}", str(size.pooled)))
    say("filling it")
    sql(f"\\i {HERE / 'people.sql'}\n" + FILL.format(
        dedicated=size.dedicated_employees, pooled=size.pooled_employees))
    sql("VACUUM ANALYZE; CHECKPOINT")
    sql(f"COMMENT ON DATABASE {DATABASE} IS '{stamp}'", "postgres")
    megabytes = int(sql(f"SELECT pg_database_size('{DATABASE}')")[0][0]) // 1_000_000
    say(f"the stage stands: {megabytes} MB, {time.monotonic() - begun:.0f} s")


# Pooled tenants are numbered from 10,001 (hexadecimal 2711), so that their ids can be calculated too.
COPIES = """
BEGIN;
SET session_replication_role = replica;
SELECT id AS pattern, schema_name AS pool FROM platform.tenants WHERE slug = 'pattern' \\gset
CREATE TEMP TABLE copies AS
SELECT n, ('01900000-' || lpad(to_hex(10000 + n), 4, '0') || '-7009-8000-000000000000')::uuid AS id
FROM generate_series(1, {count}) AS n;
INSERT INTO platform.tenants (id, slug, name, name_key, schema_name, placement, status, locale, time_zone,
    created_at, updated_at)
SELECT c.id, 'p' || lpad(n::text, 4, '0'), 'p' || n, 'p' || n, schema_name, placement, status, locale, time_zone, now(),
    now()
FROM copies c, platform.tenants WHERE slug = 'pattern';
SET LOCAL search_path TO :"pool";
CREATE TEMP TABLE pattern_user AS SELECT * FROM users WHERE tenant_id = :'pattern';
CREATE TEMP TABLE pattern_role AS SELECT * FROM role_assignments WHERE tenant_id = :'pattern';
DELETE FROM role_assignments WHERE tenant_id = :'pattern';
DELETE FROM users WHERE tenant_id = :'pattern';
DO $$
DECLARE copy record;
BEGIN
    FOR copy IN SELECT * FROM copies LOOP
        UPDATE pattern_user SET tenant_id = copy.id;
        INSERT INTO users SELECT * FROM pattern_user;
        UPDATE pattern_role SET tenant_id = copy.id;
        INSERT INTO role_assignments SELECT * FROM pattern_role;
    END LOOP;
END
$$;
DELETE FROM platform.tenants WHERE slug = 'pattern';
UPDATE platform.pools SET tenant_count = {count} WHERE schema_name = :'pool';
COMMIT;
"""

FILL = """
SELECT pg_temp.fill(schema_name, id, substr(slug, 2)::integer, {dedicated})
FROM platform.tenants WHERE slug ~ '^d[0-9]+$';
SELECT pg_temp.fill(schema_name, id, 10000 + substr(slug, 2)::integer, {pooled})
FROM platform.tenants WHERE slug ~ '^p[0-9]+$';
"""


def placements(size):
    def tenants(kind, first):
        rows = sql(f"SELECT substr(slug, 2)::integer + {first}, slug, schema_name, id "
                   f"FROM platform.tenants WHERE slug ~ '^{kind}[0-9]+$' ORDER BY slug")
        return [Tenant(int(number), *rest) for number, *rest in rows]

    dedicated, pooled = tenants("d", 0), tenants("p", 10_000)
    return [
        Placement("1 dedicated", dedicated[:1], size.dedicated_employees),
        Placement(f"{size.dedicated} dedicated", dedicated, size.dedicated_employees),
        Placement(f"{size.pooled:,} pooled", pooled, size.pooled_employees),
    ]


def remove_added():
    """Removes what runs have added, so that the next one finds the stage as it was: indexes that stayed
    as large as they have been would change the planner's mind."""
    tables = [f"{schema}.{table}" for schema in tenant_schemas()
              for table in ("compensations", "employments", "employees", "idempotency_keys")]
    removing = "".join(f"""
        DELETE FROM {table} WHERE id >= '{FIRST_ADDED}';
        IF FOUND THEN REINDEX TABLE {table}; END IF;""" for table in tables)
    sql(f"SET session_replication_role = replica; DO $$ BEGIN {removing} END $$;"
        + "".join(f"VACUUM ANALYZE {table};" for table in tables) + "CHECKPOINT;")


def end_sessions():
    """Removes what signing in has left."""
    schemas = tenant_schemas()
    sql("".join(f"TRUNCATE {schema}.refresh_tokens, {schema}.sessions;\n" for schema in schemas))


def tenant_schemas():
    return [row[0] for row in sql("SELECT DISTINCT schema_name FROM platform.tenants "
                                  "WHERE slug ~ '^[dp][0-9]+$'")]


def database_url():
    return (CREDENTIALS / "database-url").read_text().strip()


class Api:
    """hrms-api as in production, bound to us so that it does not outlive us."""

    def __init__(self, access_log=True):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = STATE / "api.log"
        settings = {
            "HRMS_DATABASE__URL": database_url(),
            "HRMS_HTTP__LISTEN": f"127.0.0.1:{self.port}",
            "HRMS_LOG__ACCESS_LOG": "true" if access_log else "false",
            # A token must outlive the bench; nothing else differs from the defaults.
            # On, for they cost something, and out of reach.
            **{f"HRMS_LIMITS__{who}_{what}": "1000000"
               for who in ("ADDRESS", "USER", "TENANT") for what in ("RATE", "BURST")},
            "HRMS_AUTH__ACCESS_TOKEN_TTL": "1h",
            # What is measured is the import, not who does it.
            "HRMS_IMPORTS__INLINE_ROWS": "1000000",
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", PROGRAMS / "hrms-api"],
                env=environment(**settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        begun = time.monotonic()
        while time.monotonic() < begun + 30:
            if self.process.poll() is not None:
                raise Failed(f"hrms-api ended: {self.log.read_text()[-2000:]}")
            try:
                if self.request("GET", "/api/health/ready")[0] == 200:
                    self.ready_after = time.monotonic() - begun
                    return
            except OSError:
                pass
            time.sleep(0.01)
        self.stop()
        raise Failed(f"hrms-api is not ready after 30 s; see {self.log}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, tenant=None, token=None, body=None):
        """One request; the status and the decoded body."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if tenant:
            headers["X-Tenant-Slug"] = tenant.slug
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if content else None

    def expect(self, status, *arguments, **named):
        """A request that must be answered with this status; the body."""
        got, body = self.request(*arguments, **named)
        if got != status:
            raise Failed(f"{arguments[0]} {arguments[1]} answers {got}, not {status}: {body}")
        return body

    def sign_in(self, tenants):
        """Signs in once in each tenant; the access tokens by slug."""
        def token(tenant):
            body = {"email": ADMINISTRATOR, "password": PASSWORD}
            return self.expect(200, "POST", "/api/v1/auth/login", tenant, body=body)["access_token"]

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return dict(zip((tenant.slug for tenant in tenants), pool.map(token, tenants)))

    def peak_memory(self):
        """The most memory that it ever had, in MiB: VmHWM of proc(5)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M).group(1)) / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def pgbench_environment():
    """The application's login, for pgbench: it must meet the same rights and settings."""
    url = urllib.parse.urlsplit(database_url())
    query = dict(urllib.parse.parse_qsl(url.query))
    return {
        **os.environ,
        "PGHOST": query.get("host", url.hostname), "PGPORT": str(url.port),
        "PGUSER": url.username, "PGPASSWORD": urllib.parse.unquote(url.password),
        "PGDATABASE": DATABASE, "PGOPTIONS": "-c search_path=",
    }


def postmaster():
    data = pathlib.Path(os.environ["HRMS_BENCH_POSTGRES"]) / "data"
    return int((data / "postmaster.pid").read_text().split("\n", 1)[0])


def server_log():
    return pathlib.Path(os.environ["HRMS_BENCH_POSTGRES"]) / "log"


def busy():
    """Processor seconds that anybody on the machine has used."""
    user, nice, system, _idle, _waiting, *rest = (
        int(it) for it in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def busy_for(seconds):
    """How many processors are busy with other things."""
    before = busy()
    time.sleep(seconds)
    return (busy() - before) / seconds


def machine():
    """What the figures were taken on."""
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    revision = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                              capture_output=True, text=True).stdout.strip()
    return {
        "processor": model.group(1) if model else "unknown",
        "cores": os.cpu_count(),
        "busy_before": round(busy_for(3), 2),
        "postgresql": sql("SHOW server_version", "postgres")[0][0],
        "shared_buffers": sql("SHOW shared_buffers", "postgres")[0][0],
        "fsync": sql("SHOW fsync", "postgres")[0][0],
        "revision": revision,
    }
