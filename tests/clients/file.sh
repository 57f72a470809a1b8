#!/usr/bin/env bash
# The file plugin as users of curl have it: mirror, compare every byte, upload, roll back.
#
#   file.sh BASE_URL USER PASSWORD UPSTREAM_URL
#
# UPSTREAM_URL serves a PULP_MANIFEST and its files, as `fixture-upstream` does.
set -euo pipefail

BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3
upstream=${4%/}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
# Scripts may be run twice against one server.
tag=$(date +%s)-$$

fail() {
  echo "file.sh: $*" >&2
  exit 1
}

# get URL [CURL ARGUMENTS]: as a client without a name.
get() {
  local url=$1
  shift
  curl --silent --show-error --fail --location "$@" "$url"
}

# mirror NAME POLICY: a served mirror of the upstream.
mirror() {
  local remote repository
  remote=$(call POST /remotes/file/file/ \
    "{\"name\": \"$1\", \"url\": \"$upstream/PULP_MANIFEST\", \"policy\": \"$2\"}" | field pulp_href)
  repository=$(call POST /repositories/file/file/ "{\"name\": \"$1\", \"autopublish\": true}" | field pulp_href)
  call POST "${repository}sync/" "{\"remote\": \"$remote\", \"mirror\": true}" | finish >/dev/null
  call POST /distributions/file/file/ \
    "{\"name\": \"$1\", \"base_path\": \"$1\", \"repository\": \"$repository\"}" | finish >/dev/null
  echo "$repository"
}

get "$upstream/PULP_MANIFEST" | LC_ALL=C sort >theirs

for policy in immediate on_demand streamed; do
  name=$policy-$tag
  mirror "$name" "$policy" >/dev/null
  site=$BASE_URL/pulp/content/$name
  get "$site/PULP_MANIFEST" | LC_ALL=C sort >ours
  cmp theirs ours || fail "$policy: the manifest is another one"
  count=0
  # Twice: what is fetched on demand comes from the upstream first and from the store then.
  for _ in first second; do
    while IFS= read -r line; do
      size=${line##*,} rest=${line%,*}
      sha256=${rest##*,} path=${rest%,*}
      # curl quotes nothing in a path itself.
      encoded=${path//%/%25} encoded=${encoded// /%20} encoded=${encoded//\#/%23} encoded=${encoded//\?/%3F}
      get "$site/$encoded" --output file
      [ "$(wc -c <file)" -eq "$size" ] || fail "$policy: $path has another size"
      echo "$sha256  file" | sha256sum --check --quiet || fail "$policy: $path has other bytes"
      count=$((count + 1))
    done <theirs
  done
  [ "$count" -gt 0 ] || fail "$policy: the upstream is empty"
  # The last file of the list, in part, resumed, and not at all when it is unchanged.
  get "$site/$encoded" --range 0-9 --output part
  cmp --bytes=10 file part || fail "$policy: a range has other bytes"
  get "$site/$encoded" --continue-at - --output part
  cmp file part || fail "$policy: a resumed download has other bytes"
  get "$site/$encoded" --etag-save tag --output file
  status=$(get "$site/$encoded" --etag-compare tag --output unchanged --write-out '%{http_code}')
  [ "$status" = 304 ] || fail "$policy: an unchanged file came again ($status)"
  get "$site/" --output listing
  grep -q 'PULP_MANIFEST"' listing || fail "$policy: the folder is not listed"
  echo "file.sh: $policy: $count files are the upstream's"
done

# A file of one's own, into a repository and out of it again.
name=upload-$tag
repository=$(mirror "$name" immediate)
site=$BASE_URL/pulp/content/$name
echo "made by file.sh at $tag" >own
curl --silent --show-error --fail-with-body --config <(printf 'user = "%s:%s"\n' "$USER_NAME" "$PASSWORD") \
  --form file=@own --form relative_path=own/file.txt --form "repository=$repository" \
  "$BASE_URL/pulp/api/v3/content/file/files/" | finish >/dev/null
sleep 1
get "$site/own/file.txt" | cmp - own || fail "the upload is not served"
get "$site/PULP_MANIFEST" --output manifest
grep -q "^own/file.txt,$(sha256sum <own | cut -d ' ' -f 1)," manifest || fail "the upload is not listed"
call POST "${repository}modify/" "{\"base_version\": \"${repository}versions/1/\"}" | finish >/dev/null
sleep 1
get "$site/PULP_MANIFEST" | LC_ALL=C sort | cmp theirs - || fail "the first version did not come back"
if get "$site/own/file.txt" >/dev/null 2>&1; then
  fail "what was rolled back is still served"
fi
echo "file.sh: an upload came and went"
