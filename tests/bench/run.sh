#!/usr/bin/env bash
# Measures a fresh server on loopback, and a peer beside it in the same run if there is one.
#
#   tests/bench/run.sh PITH FIXTURE_UPSTREAM [SECTION...]
#
#   PEER_BASE       URL of another server with the same API; it must reach 127.0.0.1
#   PEER_CONTENT    where it serves content, if elsewhere
#   PEER_USER, PEER_PASSWORD    admin, password
#   PEER_PIDS       its processes, if their CPU time is to be counted
#   BENCH_OUTPUT    where to write the figures as JSON
#   BENCH_DATABASE_URL    PostgreSQL instead of SQLite
#
# The upstream is nginx where there is one, as that is also the mark for serving.
set -euo pipefail

pith=$1 fixture_upstream=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
upstreams=${XDG_CACHE_HOME:-$HOME/.cache}/pith/bench
mkdir -p "$upstreams"
work=$(mktemp -d "${TMPDIR:-/tmp}/pith-bench.XXXXXX")
processes=()
stop() {
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

address_in() { sed -n '/listening on http:/{s/.*listening on \(http:[^ ]*\).*/\1/p;q}' "$1"; }

# wait_for LOG: until a program has said where it listens.
wait_for() {
  for _ in $(seq 1000); do
    [ -z "$(address_in "$1")" ] || return 0
    sleep 0.01
  done
  echo "bench: this did not start:" >&2
  tail -n 20 "$1" >&2
  return 1
}

if command -v nginx >/dev/null; then
  port=$((RANDOM % 20000 + 20000))
  cat >"$work/nginx.conf" <<CONFIGURATION
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
worker_processes 2;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server { listen 127.0.0.1:$port; root $upstreams; }
}
CONFIGURATION
  nginx -e "$work/nginx.log" -c "$work/nginx.conf" &
  processes+=($!)
  upstream=http://127.0.0.1:$port
else
  echo "bench: nginx is missing; the project's own upstream is the mark for serving" >&2
  "$fixture_upstream" --directory "$upstreams" >"$work/upstream.log" 2>&1 &
  processes+=($!)
  wait_for "$work/upstream.log"
  upstream=$(address_in "$work/upstream.log")
fi

export PITH_ADMIN_PASSWORD=password
serve=("$pith" serve --listen 127.0.0.1:0 --data-dir "$work/data")
[ -z "${BENCH_DATABASE_URL:-}" ] || serve+=(--database-url "$BENCH_DATABASE_URL")

# The first start makes the database, the administrator and the cache of compiled plugins.
"${serve[@]}" >"$work/first.log" 2>&1 &
first=$!
processes+=("$first")
wait_for "$work/first.log"
kill "$first"
wait "$first" || true

began=$(date +%s%N)
"${serve[@]}" >"$work/server.log" 2>&1 &
server=$!
processes=("${processes[@]/$first/$server}")
wait_for "$work/server.log"
base=$(address_in "$work/server.log")
curl --silent --fail --output /dev/null "$base/pulp/api/v3/status/"
start=$((($(date +%s%N) - began) / 1000000))
echo "bench: waiting ten seconds before the memory is looked at" >&2
sleep "${BENCH_IDLE_SECONDS:-10}"
memory=$(awk '/^Pss:/ { print $2 }' "/proc/$server/smaps_rollup")
known=$(printf '{"from start to first answer (s)": %d.%03d, "memory when idle (MiB, PSS)": %d}' \
  $((start / 1000)) $((start % 1000)) $((memory / 1024)))

peer=()
if [ -n "${PEER_BASE:-}" ]; then
  peer+=(--peer-base "$PEER_BASE" --peer-user "${PEER_USER:-admin}" --peer-password "${PEER_PASSWORD:-password}")
  peer+=(--peer-content "${PEER_CONTENT:-$PEER_BASE}" --peer-pids "${PEER_PIDS:-}")
fi
[ -z "${BENCH_OUTPUT:-}" ] || peer+=(--output "$BENCH_OUTPUT")
python3 "$here/measure.py" --base "$base" --pids "$server" --known "$known" \
  --upstream-url "$upstream" --upstream-folder "$upstreams" "${peer[@]}" "$@"
