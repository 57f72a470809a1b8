#!/usr/bin/env bash
# Holds a server against the OpenAPI document that it serves.
#
#   tests/document/run.sh PITH SECONDS [SEED]
#
# A validator reads the document by the letter, Pulp's own client library loads it, and
# schemathesis sends whatever the document allows, and what it does not, for so many
# seconds: no answer may be a 5xx, undocumented, or other than its schema. The same seed
# sends the same requests.
set -euo pipefail

pith=$1 seconds=$2 seed=${3:-${PITH_TEST_SEED:-20}}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/../../.ci/tools.sh")/python/bin
[ -x "$python/schemathesis" ] || {
  echo "document: schemathesis is missing; install it: tests/setup.sh test" >&2
  exit 1
}

work=$(mktemp -d "${TMPDIR:-/tmp}/pith-document.XXXXXX")
server=
status=0
stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  if [ "$status" -eq 0 ]; then
    rm -rf "$work"
  else
    echo "document: the logs are in $work" >&2
  fi
}
trap stop EXIT
trap 'status=1; exit 130' INT TERM

# Variables of the tests are no settings of the server.
plain=(env)
for name in $(compgen -e PITH_); do plain+=(-u "$name"); done
"${plain[@]}" PITH_ADMIN_PASSWORD=password "$pith" serve --listen 127.0.0.1:0 \
  --data-dir "$work/data" >"$work/server.log" 2>&1 &
server=$!
BASE_URL=
for _ in $(seq 300); do
  BASE_URL=$(sed -n '/listening on http:/{s/.*listening on \(http:[^ ]*\).*/\1/p;q}' "$work/server.log")
  [ -z "$BASE_URL" ] || break
  sleep 0.1
done
[ -n "$BASE_URL" ] || {
  status=1
  echo "document: the server does not start" >&2
  tail -n 20 "$work/server.log" >&2
  exit 1
}
BASE_URL=${BASE_URL%/}
# Read by what is sourced.
# shellcheck disable=SC2034
USER_NAME=admin PASSWORD=password
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
document="$BASE_URL/pulp/api/v3/docs/api.json"

curl --silent --show-error --fail "$document?pk_path=1" --output "$work/api.json"
"$python/openapi-spec-validator" "$work/api.json" >"$work/validator.log" 2>&1 || {
  status=1
  head -c 2000 "$work/validator.log" >&2
}
"$python/python" "$here/glue.py" "$BASE_URL" "$here/../pulp-operations.json" || status=1

# One of everything, so that not every key leads to a 404.
key() { field pulp_href | sed 's|.*/\([^/]*\)/$|\1|'; }
made() { finish | grep -o '"created_resource" *: *"[^"]*"' | sed 's|.*/\([^/]*\)/"$|\1|'; }
repository=$(call POST /repositories/file/file/ '{"name": "one"}')
repository_href=$(field pulp_href <<<"$repository")
remote=$(call POST /remotes/file/file/ '{"name": "one", "url": "http://127.0.0.1:9/x"}' | key)
publication=$(call POST /publications/file/file/ "{\"repository\": \"$repository_href\"}" | made)
distribution=$(call POST /distributions/file/file/ '{"name": "one", "base_path": "one"}' | made)
user=$(call POST /users/ '{"username": "one"}' | key)
worker=$(call GET /workers/ | key)
cat >"$work/schemathesis.toml" <<TOML
[parameters]
"path.file_file_repository_pk" = "$(key <<<"$repository")"
"path.file_file_remote_pk" = "$remote"
"path.file_file_publication_pk" = "$publication"
"path.file_file_distribution_pk" = "$distribution"
"path.auth_user_pk" = "$user"
"path.worker_pk" = "$worker"
"path.number" = 0
TOML

# Without what takes the plugin itself away: nothing would be left to ask for.
cd "$work"
"$python/schemathesis" run "$document?pk_path=1" \
  --auth "$USER_NAME:$PASSWORD" --seed "$seed" --max-time "$seconds" --continue-on-failure \
  --phases examples,coverage,fuzzing --no-color --exclude-path-regex '/components/' \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --warnings off >"$work/schemathesis.log" 2>&1 || {
  status=1
  sed -n '/= FAILURES =/,$p' "$work/schemathesis.log" | cut -c1-400 >&2
}
grep -E 'Test cases:' --after-context=1 "$work/schemathesis.log" | tail -n 1 | sed 's/^ */document: /'
exit "$status"
