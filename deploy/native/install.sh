#!/bin/sh
# Finds the programs that the native stack needs, and installs those that are missing.
#   install.sh            installs: as root, by a sudo that asks for no password, or with YES=1 by a sudo that does;
#                         otherwise prints the one line to run and ends with 1
#   install.sh --check    only says what is there and what is not
# It works before anything is built, on a Debian that has only git, make, a C compiler, curl, Rust and Node. It starts no
# service and leaves running ones alone: the servers that we run are private instances, started by `stack`.
# shellcheck disable=SC2016,SC2086  # backticks are for people; the list of packages is meant to be split
set -eu

missing='' packages='' obstacles=0 quiet=${QUIET:-}
[ "${1:-}" != --check ] || quiet=''

found() { [ -n "$quiet" ] || printf '  ok     %s\n' "$1"; }
lacking() { # program, package, what for
    missing="$missing$(printf '\n  %-24s %s' "$2" "$3")"
    packages="$packages $2"
    [ "${check:-}" != yes ] || printf '  NO     %s is missing: package %s (%s)\n' "$1" "$2" "$3"
}
obstacle() { printf '  NO     %s\n' "$1"; obstacles=1; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
need() { if has "$1"; then found "$1"; else lacking "$1" "$2" "$3"; fi; }
[ "${1:-}" != --check ] || check=yes

java_version() { java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1; }
postgres_is_there() { has postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }
node_is_new() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 10) ? 0 : 1)'; }

if ! has cargo; then obstacle 'cargo is missing: install Rust from https://rustup.rs'; else found cargo; fi
need gcc gcc 'librdkafka is built from source'
need g++ g++ 'librdkafka is built from source'
if has java && [ "$(java_version)" -ge 17 ] 2>/dev/null; then found "java $(java_version)"
else lacking 'java 17 or newer' default-jre-headless 'Kafka runs on it'; fi
need mvn maven "collects Kafka's jars"
if postgres_is_there; then found postgres; else lacking postgres postgresql 'the database; no cluster of the system is made'; fi
need redis-server redis-server 'relay and cache'
need redis-cli redis-tools 'make redis'
need haproxy haproxy 'the load balancer'
[ -z "${FOR_TESTS:-}" ] || need kcat kcat 'the examples of schema/README.md'
[ -z "${FOR_TESTS:-}" ] || need chromium chromium 'the tests of the dashboard'
if ! has node; then [ -n "$quiet" ] || printf '  hm     node is missing: echo.js and the tests of the web clients need 20.10 or newer\n'
elif node_is_new; then found "node $(node --version)"
else [ -n "$quiet" ] || printf '  hm     node %s is old: echo.js needs 20.10 or newer\n' "$(node --version)"; fi

[ "$obstacles" = 0 ] || exit 1
if [ -z "$packages" ]; then exit 0; fi

line="apt-get update && apt-get install -y --no-install-recommends$packages"
if ! has apt-get; then
    printf 'Missing, by the names of their Debian packages:%s\nInstall them, then try again.\n' "$missing"
    exit 1
fi
as=''
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then as='sudo -n'
    elif [ "${YES:-}" = 1 ] && has sudo; then as=sudo
    else as=none; fi
fi
if [ "${check:-}" = yes ] || [ "$as" = none ]; then
    printf 'To install what is missing, run:\n  sudo sh -c "%s"\nor let `make up YES=1` do it by sudo.\n' "$line"
    exit 1
fi

printf 'Installing:%s\n' "$missing"
# Two files for the time of the installation: no service is started or restarted, and no PostgreSQL cluster is made.
$as sh -eu -s -- $packages <<'ROOT'
policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/shelfwire.conf
made=''
undo() { rm -f $made; rmdir /etc/postgresql-common/createcluster.d 2>/dev/null || :; }
trap undo EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; made="$made $policy"
fi
mkdir -p "${cluster%/*}"; printf 'create_main_cluster = false\n' >"$cluster"; made="$made $cluster"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp); made="$made $log"
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1 || { tail -15 "$log"; exit 1; }; }
apt update
apt install -y --no-install-recommends "$@"
# Packages enable their services for the next boot; ours are private, these are not needed.
if [ -d /run/systemd/system ]; then
    for package in "$@"; do case $package in redis-server|haproxy|postgresql) systemctl disable --quiet "$package" 2>/dev/null || :;; esac; done
fi
ROOT
printf 'Installed.\n'
