"""The very statements that the API runs, taken from PostgreSQL's log, as scripts for pgbench."""

import re
import time

import stage
from stage import Failed

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Which row of a tenant a request names or makes, as pgbench's variables.
ANY_EMPLOYEE = ":e::bigint"
NEW_ROW = "(:number::bigint + 268435456)"


def capture(ask):
    """The transactions that PostgreSQL sees while `ask` asks the API, each a list of (SQL, values).

    What the API keeps in memory for a second or more is warm: a plain request is one transaction.
    """
    ask()
    log = stage.server_log()
    stage.sql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()", "postgres")
    time.sleep(0.5)
    ask()
    begin = log.stat().st_size
    answer = ask()
    time.sleep(0.2)
    with open(log, encoding="utf-8", errors="replace") as lines:
        lines.seek(begin)
        text = lines.read()
    stage.sql("ALTER SYSTEM SET log_statement = 'none'; SELECT pg_reload_conf()", "postgres")
    return transactions(text), answer


def transactions(log):
    """In the order in which they end: a hire draws its number in one that lies within its own."""
    entries = re.split(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+ ", log, flags=re.M)
    seen, current = [], {}
    for entry in entries:
        logged = re.match(r"\[(\d+)\] hrms_\w+_app@\w+ (LOG|DETAIL):  (.*)", entry.strip(), re.S)
        if not logged:
            continue
        backend, kind, text = logged.groups()
        if kind == "DETAIL":
            if current.get(backend) and text.startswith("parameters: "):
                current[backend][-1][1].extend(values(text))
            continue
        statement = re.match(r"(?:statement|execute [^:]+): (.*)", text, re.S)
        if not statement:
            continue
        sql = statement.group(1).strip()
        if sql.startswith("BEGIN"):
            current[backend] = []
        if backend not in current:
            if sql == "SELECT 1":
                continue  # A connection that stood idle is asked whether it still is one.
            raise Failed(f"a statement outside any transaction: {sql}")
        current[backend].append((sql, []))
        if sql.startswith(("COMMIT", "ROLLBACK")):
            seen.append(current.pop(backend))
    # A look into the registry, when a request came just as the memory of it ended.
    return [one for one in seen if not any("/*platform*/" in sql for sql, _ in one)]


def values(detail):
    found = re.findall(r"\$\d+ = (NULL|'(?:[^']|'')*')", detail)
    return [None if value == "NULL" else value[1:-1].replace("''", "'") for value in found]


class Scripts:
    """pgbench's scripts for one kind of request over the tenants of a placement."""

    def __init__(self, placement, captured, asked_in, asked_for=None, drawn=None):
        """`asked_in`: the tenant that the statements were captured in; `asked_for`: the number of
        the employee that was asked for; `drawn`: the employee number that was drawn."""
        self.placement = placement
        self.captured = captured
        self.tenant = asked_in
        self.asked_for = asked_for
        self.drawn = drawn
        self.made = {}

    def texts(self):
        """One script draws among all pooled tenants; dedicated ones have a script each, because
        each schema has statements of its own."""
        text = self.text()
        if self.placement.is_pooled:
            return [text]
        ours = self.tenant
        return [
            text.replace(ours.schema, it.schema).replace(ours.id, it.id)
            .replace(f"01900000-{ours.number:04x}", f"01900000-{it.number:04x}")
            for it in self.placement.tenants
        ]

    def text(self):
        lines = [f"\\set e random(1, {self.placement.employees})"]
        if self.placement.is_pooled:
            numbers = [tenant.number for tenant in self.placement.tenants]
            lines.append(f"\\set t random({numbers[0]}, {numbers[-1]})")
        for transaction in self.captured:
            (opening, _), *statements, (end, _) = transaction
            lines += ["\\startpipeline", *self.opening(opening), "\\endpipeline"]
            for sql, parameters in statements:
                line = self.filled(sql, parameters)
                # A number that is drawn is used by the statements behind it.
                lines.append(line + (" \\gset" if "INSERT INTO counters" in sql else ";"))
            lines.append(end + ";")
        return "\n".join(lines) + "\n"

    def opening(self, batch):
        """One round trip, as the API's batch: a pipeline, for a prepared statement is one command.

        `SET` takes no parameter, so a tenant that is drawn is set by the function that does the
        same; it is executed by the login, before it takes the role.
        """
        commands = [f"{command};" for command in batch.split("; ")]
        if self.placement.is_pooled:
            commands = [it for it in commands if "app.tenant" not in it]
            commands.insert(1, f"SELECT set_config('app.tenant', {self.pooled_tenant()}, true);")
        return commands

    @staticmethod
    def pooled_tenant():
        return "'01900000-' || lpad(to_hex(:t::bigint), 4, '0') || '-7009-8000-000000000000'"

    def filled(self, sql, parameters):
        def value(match):
            return self.value(parameters[int(match.group(1)) - 1])

        return re.sub(r"\$(\d+)", value, sql)

    def value(self, text):
        if text is None:
            return "NULL"
        if self.drawn and text == self.drawn:
            return ":number::bigint::text"
        if self.drawn and re.fullmatch(r"bench-\S+@bench\.example", text):
            return "('bench-' || :number::bigint || '@bench.example')"
        if re.fullmatch(UUID, text):
            return self.uuid(text)
        if re.fullmatch(r"-?\d+", text):
            return f"{text}::bigint"
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return f"'{text}'::date"
        if re.match(r"\d{4}-\d\d-\d\d \d\d:", text):
            return "now()"
        quoted = text.replace("'", "''")
        return f"'{quoted}'::text"

    def uuid(self, text):
        seeded = re.fullmatch(r"01900000-([0-9a-f]{4})-7([0-9a-f]{3})-8000-([0-9a-f]{12})", text)
        if seeded:
            kind, number = int(seeded.group(2), 16), int(seeded.group(3), 16)
            if kind == 0 and number == self.asked_for:
                return self.id(kind, ANY_EMPLOYEE)
            return self.id(kind, str(number))
        if text >= stage.FIRST_ADDED:
            kind = self.made.setdefault(text, 0xA00 + len(self.made))
            return self.id(kind, NEW_ROW, "01920000")
        return f"'{text}'::uuid"

    def id(self, kind, number, era="01900000"):
        tenant = f"{self.tenant.number:04x}"
        if self.placement.is_pooled:
            tenant = "' || lpad(to_hex(:t::bigint), 4, '0') || '"
        if number.isdigit() and not self.placement.is_pooled:
            return f"'{era}-{tenant}-7{kind:03x}-8000-{int(number):012x}'::uuid"
        number = number if not number.isdigit() else f"{number}::bigint"
        return (f"('{era}-{tenant}-7{kind:03x}-8000-' "
                f"|| lpad(to_hex({number}), 12, '0'))::uuid")
