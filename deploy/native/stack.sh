#!/bin/sh
# The native stack, from nothing: installs what is missing, builds the supervisor, and hands the words over to it.
#   stack.sh VERB…        see `stack` without words; `install` only installs
set -eu
cd "$(dirname "$0")/../.."
stack=${CARGO_TARGET_DIR:-target}/debug/stack

case ${1:-} in
install) exec deploy/native/install.sh ;;
doctor)  # the rest of the diagnosis needs cargo; what is missing is told first, and does not hide the other obstacles
    missing=0; deploy/native/install.sh --check || missing=1
    command -v cargo >/dev/null || exit 1 ;;
up)
    # A wrong variable is told before anything is installed or built; a supervisor of before an update may not know the word.
    if [ -x "$stack" ] && ! said=$("$stack" settings 2>&1) && case $said in *usage:*) false ;; esac; then
        printf '%s\n' "$said" >&2
        exit 1
    fi
    QUIET=1 deploy/native/install.sh ;;
test-env) QUIET=1 deploy/native/install.sh ;;
esac
# `down` and the like must work at once and in a tree that does not compile: they take the binary that is there.
[ -x "$stack" ] || echo 'Building the supervisor (half a minute, only the first time) …' >&2
case ${1:-} in
up | test-env | doctor) cargo build --quiet --locked -p stack ;;
*) [ -x "$stack" ] || cargo build --quiet --locked -p stack ;;
esac
if [ "${1:-}" = doctor ]; then "$stack" doctor && exit "$missing" || exit 1; fi
exec "$stack" "$@"
