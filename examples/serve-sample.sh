#!/usr/bin/env bash
# Starts the server and the bundled upstream, mirrors the one with the other, and serves
# until Ctrl-C. `make run` builds everything first and then calls this.
#
#   examples/serve-sample.sh PITH FIXTURE_UPSTREAM
#
# RUN_LISTEN (127.0.0.1:24817) says where, RUN_DATA (.pith-data) where the data is.
set -euo pipefail

pith=$1 fixture_upstream=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
listen=${RUN_LISTEN:-127.0.0.1:24817}
data=${RUN_DATA:-$here/../.pith-data}
base_url=http://$listen

mkdir -p "$data"
data=$(cd "$data" && pwd)
chmod 700 "$data"
# The server asks for it on its first start only, so it has to be the same on every other.
if [ -z "${PITH_ADMIN_PASSWORD:-}" ]; then
  [ -s "$data/admin-password" ] ||
    (umask 077 && od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$data/admin-password")
  PITH_ADMIN_PASSWORD=$(cat "$data/admin-password")
fi
export PITH_ADMIN_PASSWORD

processes=()
stop() {
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' INT TERM

# wait_for LOG: the address in the line with which a program says that it is ready.
wait_for() {
  local url
  for _ in $(seq 300); do
    url=$(sed -n '/listening on http:/{s/.*listening on \(http:[^ ]*\).*/\1/p;q}' "$1")
    if [ -n "$url" ]; then
      echo "${url%/}"
      return
    fi
    kill -0 "${processes[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "this did not start:" >&2
  tail -n 20 "$1" >&2
  return 1
}

"$fixture_upstream" --directory "$here/sample" >"$data/upstream.log" 2>&1 &
processes+=($!)
upstream=$(wait_for "$data/upstream.log")

"$pith" serve --listen "$listen" --data-dir "$data" >"$data/server.log" 2>&1 &
processes+=($!)
wait_for "$data/server.log" >/dev/null

mirror=$("$here/mirror-sample.sh" "$base_url" admin "$PITH_ADMIN_PASSWORD" "$upstream/PULP_MANIFEST")

cat <<TEXT

Pith serves at $base_url and has mirrored $upstream/

  the API          $base_url/pulp/api/v3/   (user admin, password $PITH_ADMIN_PASSWORD)
  its status       $base_url/pulp/api/v3/status/
  the mirror       $mirror
  data and logs    $data

Fetch a mirrored file:

  curl ${mirror}poems/the-tyger.txt

Ctrl-C stops it; the data stays, and the next \`make run\` goes on with it.
TEXT
wait -n "${processes[@]}"
echo "a program has ended; see the logs in $data" >&2
exit 1
