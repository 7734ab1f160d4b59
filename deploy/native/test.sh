#!/bin/sh
# Everything that is tested, beside one private Kafka, PostgreSQL and Redis that all tests share (`stack test-env`).
set -eu
cd "$(dirname "$0")/../.."
FOR_TESTS=1 deploy/native/install.sh
# Built before the servers start, so that they do not wait for the compiler. The programs that the web clients' tests and
# the documents run are built with the tests: any other choice of packages turns on other features of the libraries
# under them, and all of those would be built once more.
cargo test --locked --workspace --no-run
# The web clients ship without dependencies; only the check of their types has some.
cd web-clients
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --fetch-retries=5
npm run --silent check
cd ..
deploy/native/stack.sh test-env -- sh -euc '
    cargo test --locked --workspace
    cd web-clients
    set -- test/*/*.test.js
    # one file after the other: each starts servers, and some a browser
    node --experimental-websocket --test --test-concurrency=1 "$@"
'

# Every command that the documents tell a reader to type; these start a stack of their own, as a reader would.
set --
for document in README.md schema/README.md web-clients/README.md docs/*.md; do [ ! -f "$document" ] || set -- "$@" "$document"; done
[ $# -eq 0 ] || "${CARGO_TARGET_DIR:-target}/debug/readme-commands" "$@"
