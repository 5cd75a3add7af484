# shellcheck shell=bash
# Shared by the scripts beside it, which source it: private services of one clone under `.local/`,
# run by an unprivileged user, on ports of their own, next to whatever the machine runs already.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
state=$root/.local
# Tells clones and users apart wherever a path or a name is shared by the machine.
clone=$(printf '%s\n' "$(id -u)" "$root" | sha256sum | cut -c1-10)

# What is set for the caller's own PostgreSQL (PGDATABASE, PGOPTIONS, PGSERVICE, ...) is not for ours.
unset "${!PG@}"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root (no sudo here): $*"
    fi
}

# install_packages PACKAGE... : installs without starting, enabling or asking anything.
install_packages() {
    command -v apt-get >/dev/null || die "missing and not installable here (no apt-get): $*"
    say "installing $*"
    as_root bash -s -- "$@" >&2 <<'SCRIPT'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
exec 9>/run/hrms-install.lock
flock 9
log=$(mktemp)
# Neither a service nor a cluster named main may appear on a machine that asked for neither.
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/hrms-none.conf
made=("$log")
trap 'rm -f "${made[@]}"' EXIT
if [ ! -e "$policy" ]; then
    made+=("$policy")
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
missing=()
for package; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
mkdir -p "${cluster%/*}"
made+=("$cluster")
echo 'create_main_cluster = false' >"$cluster"
get() {
    apt-get -qq -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >"$log" 2>&1
}
# The lists are fetched only when what is there does not do.
get install "${missing[@]}" || { get update && get install "${missing[@]}"; } || {
    cat "$log" >&2
    exit 1
}
# Nor may one appear at the next boot.
for package in "${missing[@]}"; do
    case $package in redis-server | rabbitmq-server) update-rc.d "$package" disable || true ;; esac
done
SCRIPT
}

# choose_user NAME... : sets `user` to the one that a service runs as, the first that exists when we
# are root, else ourselves.
choose_user() {
    user=$(id -un)
    [ "$(id -u)" = 0 ] || return 0
    for user in "$@" nobody; do
        if id -u "$user" >/dev/null 2>&1; then return 0; fi
    done
    die "no unprivileged user among: $*"
}

# Runs a command as `user`, in the service's folder, without our privileges and HRMS_ settings.
as_user() {
    (
        cd "${home:-/}" || exit
        export HOME=${home:-/}
        if [ "$(id -u)" = 0 ]; then
            exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --inh-caps=-all "$@"
        fi
        exec "$@"
    )
}

# Begins every command of a service: `select_service postgres NAME` checks the name and says where
# things lie. Files that the caller reads (port, password) are in `record`, the service's own in `home`.
select_service() {
    service=$1
    name=${2:-}
    [[ $name =~ ^[a-z][a-z0-9]{0,15}$ ]] || die "which one? dev or test, not \`$name\`"
    record=$state/$name
    home=
    if [ -f "$record/$service.where" ]; then home=$(<"$record/$service.where"); fi
}

# Waits for its turn: two starts at once become one after the other.
lock_service() {
    mkdir -p "$record"
    [ -w "$record" ] || die "$record belongs to $(stat -c %U "$record")"
    exec 9>"$record/$service.lock"
    flock -w 300 9 || die "another start or stop of $service $name has not ended for 5 minutes"
}

# Makes `home`, which belongs to `user`: under `.local/`, or under /var/tmp where `user` can't reach the
# clone, a socket's path would become too long (108 bytes), or the path has characters that mean
# something in some configuration file.
make_home() {
    local wanted=$record/$service
    if [[ ${#wanted} -gt 80 || $wanted = *[!A-Za-z0-9/._-]* ]] || ! reachable "$record"; then
        wanted=/var/tmp/hrms-$clone
        # Anyone may write to /var/tmp: what lies there must be ours.
        mkdir -m 711 "$wanted" 2>/dev/null || true
        [ ! -L "$wanted" ] && [ -O "$wanted" ] || die "$wanted is not ours"
        wanted=$wanted/$name-$service
    fi
    if [ ! -d "$wanted" ]; then
        mkdir -m 700 "$wanted"
        chown "$user:$(id -g "$user")" "$wanted"
    fi
    home=$wanted
    printf '%s\n' "$home" >"$record/$service.where"
}

reachable() {
    local home=/
    as_user test -x "$1"
}

# Writes standard input to a file of the service's user that nobody else can read.
write_private() {
    # shellcheck disable=SC2016 # the inner shell expands it
    as_user sh -c 'umask 077; cat >"$1.new" && mv "$1.new" "$1"' sh "$1"
}

# secret FILE : keeps 32 random hexadecimal digits in a file of the caller's, made when missing.
secret() {
    if [ ! -s "$1" ]; then
        (umask 077; od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$1.new"; mv "$1.new" "$1")
    fi
}

# Whether anyone listens on a port, at any address.
port_taken() {
    local hex table tables=()
    printf -v hex '%04X' "$1"
    for table in /proc/net/tcp /proc/net/tcp6; do
        if [ -r "$table" ]; then tables+=("$table"); fi
    done
    awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' "${tables[@]}"
}

# choose_port KEY : sets `port` to the recorded one if it is free, else to a free one. The first
# guess follows from clone and name, so that it stays the same without a record. Below the ports that
# the kernel hands out; `avoid` excludes some more.
choose_port() {
    local file=$record/$1.port guess
    if [ -s "$file" ]; then
        port=$(<"$file")
    else
        guess=$(printf '%s' "$clone $name $1" | cksum | cut -d' ' -f1)
        port=$((20000 + guess % 12000))
    fi
    while port_taken "$port" || [[ " ${avoid:-} " = *" $port "* ]]; do
        port=$((20000 + (port - 20000 + 1) % 12000))
    done
    printf '%s\n' "$port" >"$file"
}

# Whether process $1 works in folder $2: a pid alone may have gone to another process since.
works_in() {
    [[ $1 =~ ^[0-9]+$ ]] && [ "$(as_user readlink "/proc/$1/cwd" 2>/dev/null)" = "$2" ]
}

# Whether any process works in folder $1.
anyone_in() {
    # shellcheck disable=SC2016 # the inner shell expands it
    as_user sh -c 'for link in /proc/[0-9]*/cwd; do
        case $link in /proc/$$/cwd) continue ;; esac
        if [ "$(readlink "$link" 2>/dev/null)" = "$1" ]; then exit 0; fi
    done; exit 1' sh "$1"
}

# The process that $home/pid names, if it is alive and the service's.
service_pid() {
    local pid
    [ -n "$home" ] || return 1
    pid=$(as_user cat "$home/pid" 2>/dev/null) || return 1
    if works_in "$pid" "$home"; then printf '%s\n' "$pid"; else return 1; fi
}

# end_process PID FOLDER SECONDS : asks it to end, and kills it when it does not in time.
end_process() {
    local tries=$(($3 * 10))
    kill -TERM "$1" 2>/dev/null || true
    while works_in "$1" "$2"; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ]; then
            say "process $1 does not end: killing it"
            kill -KILL "$1" 2>/dev/null || true
        fi
        sleep 0.1
    done
}
