#!/usr/bin/env bash
# Runs the real clients against a real server: one script a content type.
#
#   tests/clients/run.sh PITH FIXTURE_UPSTREAM [SCRIPT...]
#
# Each script is called with BASE_URL USER PASSWORD UPSTREAM_URL PITH DATA_DIRECTORY, in a folder
# of its own.
set -euo pipefail

pith=$1 fixture_upstream=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scripts=("$@")
if [ ${#scripts[@]} -eq 0 ]; then
  for script in "$here"/*.sh; do
    [ "$script" = "$here/run.sh" ] || scripts+=("$script")
  done
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/pith-clients.XXXXXX")
processes=()
status=0
stop() {
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  if [ "$status" -eq 0 ]; then
    rm -rf "$work"
  else
    echo "clients: the logs are in $work" >&2
  fi
}
trap stop EXIT
trap 'status=1; exit 130' INT TERM

# start NAME COMMAND...: the address that the program says it listens on, in $address.
start() {
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 &
  processes+=($!)
  for _ in $(seq 300); do
    address=$(sed -n '/listening on http:/{s/.*listening on \(http:[^ ]*\).*/\1/p;q}' "$log")
    address=${address%/}
    [ -z "$address" ] || return 0
    sleep 0.1
  done
  status=1
  echo "clients: $1 does not start" >&2
  tail -n 20 "$log" >&2
  exit 1
}

start upstream "$fixture_upstream" --directory "$here/../../examples/sample"
upstream=$address
export PITH_ADMIN_PASSWORD=password
start server "$pith" serve --listen 127.0.0.1:0 --data-dir "$work/data"
base_url=$address

for script in "${scripts[@]}"; do
  name=$(basename "$script" .sh)
  mkdir "$work/$name"
  if (cd "$work/$name" && "$script" "$base_url" admin "$PITH_ADMIN_PASSWORD" "$upstream" "$pith" "$work/data"); then
    echo "clients: $name passed"
  else
    echo "clients: $name FAILED" >&2
    status=1
  fi
done
exit "$status"
