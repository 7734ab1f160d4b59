#!/bin/sh
# Everything that is tested, beside one private Kafka, PostgreSQL and Redis that all tests share (`stack test-env`).
set -eu
cd "$(dirname "$0")/../.."
FOR_TESTS=1 deploy/native/install.sh
# Built before the servers start, so that they do not wait for the compiler; the web clients' tests run the binaries.
# The contract's tests stand apart: what they need turns on features of libraries under everything else, which would
# then be built twice.
cargo build --locked --workspace --bins
cargo test --locked --workspace --exclude schema --no-run
cargo test --locked -p schema
# The web clients ship without dependencies; only the check of their types has some.
cd web-clients
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
npm run --silent check
cd ..
deploy/native/stack.sh test-env -- sh -euc '
    cargo test --locked --workspace --exclude schema
    cd web-clients
    set -- test/*/*.test.js
    node --experimental-websocket --test "$@"
'

# Every command that the documents tell a reader to type; these start a stack of their own, as a reader would.
set --
for document in README.md schema/README.md web-clients/README.md docs/*.md; do [ ! -f "$document" ] || set -- "$@" "$document"; done
[ $# -eq 0 ] || cargo run --locked --quiet -p drills --bin readme-commands -- "$@"
