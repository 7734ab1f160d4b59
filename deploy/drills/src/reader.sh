# What the scripts made of documents are run with; see reader.rs.
unset BASH_ENV
set -E
set -a # what a block sets, the shell of a limited one has too
trap 'echo "!! line $LINENO: $BASH_COMMAND" >&2' ERR

say() { printf '\n── %s\n' "$1" >&2; }

# The repository is here already: a clone of it is a link.
git() {
    if [ "${1:-}" = clone ]; then
        ln -sfn "$SHELFWIRE_ROOT" "${3:-$(basename "$2" .git)}"
    else
        command git "$@"
    fi
}

# limited PLACE SECONDS, commands on stdin: Ctrl-C after so long; they must end well on it and have printed something.
limited() {
    say "$1"
    local printed status=0
    printed=$(mktemp "$TMPDIR/printed.XXXXXX")
    timeout --preserve-status --signal=INT --kill-after=5 "$2" bash -euo pipefail -c "$(cat)" </dev/null |
        tee "$printed" || status=$?
    case $status in
    0 | 130) ;; # ended by itself, or on Ctrl-C
    137) echo "!! it did not end on Ctrl-C" >&2 && exit 1 ;;
    *) echo "!! it ended with $status" >&2 && exit 1 ;;
    esac
    [ -s "$printed" ] || { echo "!! it printed nothing within $2 s" >&2 && exit 1; }
}
