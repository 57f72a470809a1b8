#!/usr/bin/env bash
# Mirrors a file upstream: remote, repository, sync, distribution. Does it again without harm.
#
#   examples/mirror-sample.sh BASE_URL USER PASSWORD URL_OF_PULP_MANIFEST [NAME]
set -euo pipefail

[ $# -ge 4 ] || {
  echo "usage: $0 BASE_URL USER PASSWORD URL_OF_PULP_MANIFEST [NAME]" >&2
  exit 2
}
BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3
upstream=$4 name=${5:-sample}

# shellcheck source=examples/api.sh
. "$(dirname "${BASH_SOURCE[0]}")/api.sh"

remote=$(find_href /remotes/file/file/ "$name")
if [ -z "$remote" ]; then
  remote=$(call POST /remotes/file/file/ "{\"name\": \"$name\", \"url\": \"$upstream\"}" | field pulp_href)
else
  # The upstream may have moved since; the answer is a task only where that takes longer.
  answer=$(call PATCH "$remote" "{\"url\": \"$upstream\"}")
  case $answer in *'"task"'*) finish <<<"$answer" >/dev/null ;; esac
fi

repository=$(find_href /repositories/file/file/ "$name")
if [ -z "$repository" ]; then
  # Each new version is published by itself.
  repository=$(call POST /repositories/file/file/ "{\"name\": \"$name\", \"autopublish\": true}" | field pulp_href)
fi

call POST "${repository}sync/" "{\"remote\": \"$remote\", \"mirror\": true}" | finish >/dev/null

if [ -z "$(find_href /distributions/file/file/ "$name")" ]; then
  call POST /distributions/file/file/ \
    "{\"name\": \"$name\", \"base_path\": \"$name\", \"repository\": \"$repository\"}" | finish >/dev/null
fi

echo "$BASE_URL/pulp/content/$name/"
