#!/usr/bin/env bash
# Copies that solve what packages need, held against dnf: picks out of a repository made of
# random numbers. What a copy brings is what dnf would install beside the pick, or there was a
# choice; dnf installs the pick from the copy alone; the copy lacks nothing, and nothing
# of it can be left out.
#
#   rpm_solving.sh BASE_URL USER PASSWORD [UPSTREAM_URL]
#
# SEED chooses the repository and the picks, PICKS how many.
set -euo pipefail

BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
seed=${SEED:-2026} picks=${PICKS:-20}
echo "rpm_solving.sh: SEED=$seed"
# dnf is a library of Debian's own Python.
python=/usr/bin/python3

"$python" "$here/rpm_solving.py" generate "$seed" upstream
python3 -u -m http.server --bind 127.0.0.1 --directory upstream 0 >upstream.log 2>&1 &
upstream_process=$!
trap 'kill "$upstream_process" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' upstream.log | head -n 1)
  [ -z "$port" ] || break
  sleep 0.1
done
[ -n "$port" ] || { echo "rpm_solving.sh: the upstream does not start" >&2; exit 1; }
upstream=http://127.0.0.1:$port

name=solving-$seed-$$
remote=$(call POST /remotes/rpm/rpm/ \
  "{\"name\": \"$name\", \"url\": \"$upstream/\", \"policy\": \"on_demand\"}" | field pulp_href)
repository=$(call POST /repositories/rpm/rpm/ "{\"name\": \"$name\"}" | field pulp_href)
call POST "${repository}sync/" "{\"remote\": \"$remote\"}" | finish >/dev/null

# One line a pick: its name, the copy's repository, and the copy's result.
"$python" "$here/rpm_solving.py" picks "$seed" "$picks" upstream | while read -r nevra package version; do
  unit=$(call GET "/content/rpm/packages/?repository_version=${repository}versions/1/&name=$package&version=$version" |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["results"][0]["pulp_href"])')
  copy=$name-$nevra
  destination=$(call POST /repositories/rpm/rpm/ "{\"name\": \"$copy\", \"autopublish\": true}" | field pulp_href)
  call POST /distributions/rpm/rpm/ \
    "{\"name\": \"$copy\", \"base_path\": \"$copy\", \"repository\": \"$destination\"}" | finish >/dev/null
  task=$(call POST /rpm/copy/ "{\"config\": [{\"source_repo_version\": \"$repository\",
    \"dest_repo\": \"$destination\", \"content\": [\"$unit\"]}]}" | finish)
  units=$(call GET "/content/rpm/packages/?repository_version=${destination}versions/1/&fields=pulp_href,name,version&limit=1000")
  echo "$nevra $BASE_URL/pulp/content/$copy/ [$task, $units]" | tr '\n' ' '
  echo
done >results
"$python" "$here/rpm_solving.py" compare "$upstream/" results
