# Every task a person does. `./just` finds or installs the `just` program and runs this file.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Lists the recipes.
default:
    @{{quote(just_executable())}} --justfile {{quote(justfile())}} --list --unsorted

# `up` hears of Ctrl-C also where a script began it, and of the end of `just`.

# Starts everything on this machine, with two demo companies, and streams the logs; Ctrl-C stops it.
up *arguments:
    @exec setpriv --pdeathsig TERM env --default-signal=INT deploy/local/up "$@"

# Runs the whole suite against a private PostgreSQL and RabbitMQ; arguments go to the test runner.
test *arguments: _compiler
    #!/usr/bin/env bash
    set -euo pipefail
    # Whoever sets a variable tests on a server of their own. Ours run on: ./just services-stop.
    database=${HRMS_TEST_DATABASE_URL:-} rabbitmq=${HRMS_TEST_RABBITMQ_URL:-}
    if [ -z "$database" ] || [ -z "$rabbitmq" ]; then
        if [ -n "$rabbitmq" ]; then
            deploy/local/services postgres-only
        else
            deploy/local/services for-tests
        fi
        source .local/services.env
        export HRMS_TEST_DATABASE_URL=${database:-$HRMS_TEST_DATABASE_URL}
        export HRMS_TEST_RABBITMQ_URL=${rabbitmq:-$HRMS_TEST_RABBITMQ_URL}
    fi
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --no-fail-fast "$@"
    else
        # cargo-nextest takes minutes to build; without it the same tests run a little slower.
        cargo test --all-targets --no-fail-fast "$@"
    fi
    # nextest runs no doctests; the ones that must not compile are among them.
    if [ $# = 0 ]; then
        cargo test --workspace --doc
        deploy/checks/surroundings
        deploy/checks/systemd
    fi

# Runs the suite and what takes longer: `up`, Chromium, schemathesis, a million requests, 200 kills, a large file, a million events, a sealed audit.
test-full: test _up _browser _schemathesis _crowd _kills _large events audit

_browser: _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    command -v chromium >/dev/null || deploy/local/packages chromium
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    cargo test -p app --test e2e browser:: -- --ignored

_up:
    deploy/checks/up

_schemathesis:
    deploy/checks/schemathesis

# 64 clients, 15,625 requests each, of 50 tenants; some hang up, some processes give up.
_crowd: _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    HRMS_TEST_CROWD_TENANTS=50 HRMS_TEST_CROWD_ROUNDS=15625 \
        cargo test --profile crowd -p app --test e2e -- --nocapture crowd::nobody_meets

_kills: _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    HRMS_TEST_KILLS=200 cargo test -p hrms-api --test program -- --nocapture kill::

# 100,000 people come in, in one transaction.
_large: _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    cargo test -p employees --lib -- --ignored

# 100,000 jobs of twenty tenants, twice (with RabbitMQ and without), while processes, connections and RabbitMQ die.
chaos jobs="100000": _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    trap 'deploy/local/rabbitmq stop chaos' EXIT
    deploy/local/rabbitmq start chaos
    HRMS_TEST_RABBITMQ_URL=$(deploy/local/rabbitmq url chaos) HRMS_TEST_CHAOS_NODE=chaos HRMS_TEST_CHAOS_JOBS={{jobs}} \
        cargo test -p messaging --test chaos -- --nocapture --test-threads 1 nothing_is_lost

# Two hundred thousand events of sixteen writers, sealed by two: no false alarm, no fork.
audit events="200000": _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    HRMS_TEST_AUDIT_EVENTS={{events}} cargo test -p audit --test audit -- --nocapture many::

# A million events of eight writers: every feed without a gap, each subject in the order of its commits.
events events="1000000": _compiler _test-server
    #!/usr/bin/env bash
    set -euo pipefail
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || source .local/services.env
    HRMS_TEST_EVENTS={{events}} cargo test -p messaging --test events -- --nocapture many::

_test-server:
    [ -n "${HRMS_TEST_DATABASE_URL:-}" ] || deploy/local/services postgres-only

# Checks format, lints, scripts, licences and hygiene; what CI checks.
lint: fmt-check shellcheck hygiene absent licences clippy manifest

# Formats the code.
fmt:
    cargo fmt --all

# Checks the format.
fmt-check:
    cargo fmt --all --check

# Lints the code; a warning is an error.
clippy: _compiler
    cargo clippy --workspace --all-targets --quiet -- -D warnings

# Checks the shell scripts.
shellcheck:
    deploy/checks/shellcheck

# Looks for merge markers, large files and secrets in what git tracks.
hygiene:
    deploy/checks/hygiene

# Checks that libraries we refuse are not in the tree.
absent:
    deploy/checks/absent

# Checks licences, bans and sources with cargo-deny, where it is installed (the hosted workflow installs it).
licences:
    if cargo deny --version >/dev/null 2>&1; then cargo deny --log-level error check bans licenses sources; else echo "cargo-deny is not installed: skipped"; fi

# Checks that no migration was deleted, edited, renamed, reordered or doubled.
manifest: _compiler
    cargo run --quiet -p migration --example write_manifest -- --check

# Writes docs/openapi/v1.json and docs/errors.md from the code; refuses what would break a client.
openapi: _compiler
    UPDATE_DOCS=1 cargo test --quiet -p app --lib openapi::

# Measures the API beside the same SQL run by pgbench.
bench *arguments:
    deploy/bench/run "$@"

# Opens psql on the database of `up`; arguments go to psql.
psql *arguments:
    @deploy/local/postgres psql dev "$@"

# Starts private PostgreSQL, Redis and RabbitMQ for tests, installed when missing.
services:
    @deploy/local/services start

# Stops the private services.
services-stop:
    @deploy/local/services stop

# Installs the git hooks that run the checks before a commit.
hooks:
    python3 -m venv .local/pre-commit || { deploy/local/packages python3-venv && python3 -m venv --clear .local/pre-commit; }
    .local/pre-commit/bin/python -m pip install --quiet --disable-pip-version-check pre-commit==4.3.0
    .local/pre-commit/bin/python -m pre_commit install

# Stops what runs and removes everything that was built or started here, the data of `up` included.
clean:
    -deploy/local/services clean
    rm -rf target .local

# A Rust toolchain comes without the C compiler that it links with.
_compiler:
    @command -v cc >/dev/null || deploy/local/packages gcc libc6-dev
