#!/usr/bin/env bash
# Runs the suite on both databases and compares how many tests ran on each.
#
#   tests/run.sh [ARGUMENTS OF cargo nextest run]
#
# With no arguments a difference between the databases fails the run; with some, such as
# the name of a test, it is only reported.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
PATH="$("$here/../.ci/tools.sh")/bin:$PATH"
: "${CARGO_TARGET_DIR:?run this by \`make test\`, which sets it}"
pith=${PITH_BIN:-$CARGO_TARGET_DIR/release/pith}
report=target/nextest/default/junit.xml

command -v cargo-nextest >/dev/null || {
  echo "run.sh: nextest is missing; install it: cargo install --locked cargo-nextest" >&2
  exit 1
}
[ -x "$pith" ] || {
  echo "run.sh: there is no server at $pith; build it: make build" >&2
  exit 1
}

# Two runs at once would use the same folders for the same tests, and share two cores.
exec 9>"$CARGO_TARGET_DIR/pith-tests.lock"
flock --nonblock 9 || {
  echo "run.sh: waiting for another run of the suite" >&2
  flock 9
}

# What outlives this script must not hold the lock.
cluster=$("$here/postgres.sh" up 9>&-)
eval "$cluster"
trap '"$here/postgres.sh" down "$PITH_TEST_POSTGRES_FOLDER"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Migrated once; each test gets a copy, which takes a twentieth of the time.
export PITH_TEST_POSTGRES_TEMPLATE=pith_template
connection=(psql --quiet --no-psqlrc "$PITH_TEST_POSTGRES/postgres")
"${connection[@]}" --command "CREATE DATABASE $PITH_TEST_POSTGRES_TEMPLATE"
# Variables of the tests are no settings of the server.
plain=(env)
for name in $(compgen -e PITH_); do plain+=(-u "$name"); done
"${plain[@]}" "$pith" migrate --database-url "$PITH_TEST_POSTGRES/$PITH_TEST_POSTGRES_TEMPLATE"

# What earlier builds of the plugins were compiled to is of no use.
find "$CARGO_TARGET_DIR/pith-tests-compiled" -name '*.code' -mtime +2 -delete 2>/dev/null || true

rm -f "$report"
status=0
cargo nextest run --release --config-file "$here/nextest.toml" --package pith-tests "$@" 9>&- || status=$?

# One line a test; a failure stands inside the element, so only whole ones have passed.
passed() {
  tr '\n' ' ' <"$report" | sed 's/<testcase /\n&/g' |
    grep -E "^<testcase name=\"[^\"]*::$1\"" | grep -cvE '<(failure|error)' || true
}
[ -f "$report" ] || {
  echo "run.sh: nextest left no report" >&2
  exit 1
}
sqlite=$(passed sqlite)
postgres=$(passed postgres)
shared=$(passed shared)
echo "passed: sqlite $sqlite, postgres $postgres (and $shared with two servers on one PostgreSQL)"
if [ "$sqlite" -ne "$postgres" ]; then
  echo "run.sh: the databases do not pass the same tests" >&2
  [ $# -gt 0 ] || status=1
fi
if [ "$sqlite" -eq 0 ] && [ $# -eq 0 ]; then
  echo "run.sh: no test passed" >&2
  status=1
fi
exit "$status"
