#!/usr/bin/env bash
# The `pulp` command as its users have it: mirror, upload, label, change, roll back, clean up.
#
#   pulp.sh BASE_URL USER PASSWORD UPSTREAM_URL
#
# UPSTREAM_URL serves a PULP_MANIFEST and its files, as `fixture-upstream` does. What the
# command prints is compared, not only whether it is content.
set -euo pipefail

base_url=${1%/} user=$2 password=$3 upstream=${4%/}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/../../.ci/tools.sh")/python/bin
# Scripts may be run twice against one server.
tag=$(date +%s)-$$

fail() {
  echo "pulp.sh: $*" >&2
  exit 1
}

# The command keeps documents by their address, and ports come back.
export XDG_CACHE_HOME=$PWD/cache XDG_CONFIG_HOME=$PWD/config
cat >cli.toml <<TOML
[cli]
base_url = "$base_url"
username = "$user"
password = "$password"
timeout = 60
chunk_size = "1kb"
TOML
pulp() { "$python/pulp" --config cli.toml "$@" 2>pulp.log || { cat pulp.log >&2 && return 1; }; }

# of EXPRESSION: what it says of the document on stdin, which is called `d`.
of() { "$python/python" -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

# same WHAT EXPECTED ACTUAL
same() { [ "$2" = "$3" ] || fail "$1: expected $2, got $3"; }

curl --silent --show-error --fail "$upstream/PULP_MANIFEST" | LC_ALL=C sort >theirs
count=$(wc -l <theirs)

same 'the database' True "$(pulp status | of 'd["database_connection"]["connected"]')"
same 'the plugin' 1 "$(pulp status | of 'sum(v["component"] == "file" for v in d["versions"])')"

# Mirror, and compare every digest with the upstream's.
name=pulp-$tag
pulp file remote create --name "$name" --url "$upstream/PULP_MANIFEST" >/dev/null
pulp file repository create --name "$name" --remote "$name" --autopublish >repository.json
pulp file repository sync --repository "$name" >/dev/null
pulp file repository version show --repository "$name" >version.json
same 'files of version 1' "$count" "$(of 'd["content_summary"]["present"]["file.file"]["count"]' <version.json)"
pulp file content list --repository-version "$(of 'd["pulp_href"]' <version.json)" --limit 1000 >content.json
of '"\n".join(sorted(u["relative_path"] + "," + u["sha256"] for u in d))' <content.json | LC_ALL=C sort >ours
sed 's/,[0-9]*$//' theirs | LC_ALL=C sort | cmp - ours || fail "the files are others than the upstream's"
href=$(of 'd["pulp_href"]' <repository.json)
same 'publications' 1 "$(pulp file publication list --repository "$name" | of 'len(d)')"

# Serve, and compare the bytes of a file without odd letters in its path.
pulp file distribution create --name "$name" --base-path "$name" --repository "$name" >distribution.json
line=$(grep -E '^[A-Za-z0-9./_-]+,' theirs | head -n 1)
path=${line%%,*} digest=$(cut -d , -f 2 <<<"$line")
site=$(of 'd["base_url"]' <distribution.json)
sleep 1
curl --silent --show-error --fail "$site$path" --output file
echo "$digest  file" | sha256sum --check --quiet || fail "$path has other bytes"

# A file of one's own, in several chunks, into the repository.
head -c 5000 /dev/urandom >own
pulp file content upload --file own --relative-path "own/$tag" --repository "$name" >unit.json
same 'the digest of the upload' "$(sha256sum <own | cut -d ' ' -f 1)" "$(of 'd["sha256"]' <unit.json)"
same 'files with the upload' $((count + 1)) "$(pulp file repository content list --repository "$name" --limit 1000 | of 'len(d)')"
unit=$(of 'd["pulp_href"]' <unit.json)
same 'the unit by its digest' "$unit" \
  "$(pulp file content list --sha256 "$(of 'd["sha256"]' <unit.json)" | of 'd[0]["pulp_href"]')"

# Out of it again: the change is a version, and the one before it is still there.
pulp file repository content remove --repository "$name" --relative-path "own/$tag" \
  --sha256 "$(of 'd["sha256"]' <unit.json)" >/dev/null
same 'versions' 4 "$(pulp file repository version list --repository "$name" | of 'len(d)')"
same 'files without the upload' "$count" "$(pulp file repository content list --repository "$name" --limit 1000 | of 'len(d)')"
pulp file repository version show --repository "$name" --version 2 >version.json
same 'what version 2 added' 1 "$(of 'd["content_summary"]["added"]["file.file"]["count"]' <version.json)"

# Labels, and what is found by them.
pulp file repository label set --repository "$name" --key origin --value "$tag" >/dev/null
same 'found by label' "$href" \
  "$(pulp file repository list --label-select "origin=$tag" | of '" ".join(r["pulp_href"] for r in d)')"
pulp file repository label unset --repository "$name" --key origin >/dev/null
same 'found by no label' 0 "$(pulp file repository list --label-select "origin=$tag" | of 'len(d)')"

# Settings: what is set is shown, and what is wrong is told by field.
pulp file repository update --repository "$name" --description words --retain-repo-versions 2
pulp file repository show --repository "$name" >updated.json
same 'the settings' "['words', 2]" "$(of '[d["description"], d["retain_repo_versions"]]' <updated.json)"
same 'versions that are kept' 2 "$(pulp file repository version list --repository "$name" | of 'len(d)')"
if pulp file repository create --name "$name" >/dev/null 2>refused; then
  fail 'two repositories have one name'
fi
grep -q 'name.*must be unique' refused || fail "the refusal does not say why: $(cat refused)"

# The tasks of it all, and an end.
same 'the last sync' completed \
  "$(pulp task list --name pulp_file.app.tasks.synchronizing.synchronize --reserved-resource "$href" | of 'd[0]["state"]')"
pulp file distribution destroy --name "$name" >/dev/null
pulp file repository destroy --name "$name" >/dev/null
pulp file remote destroy --name "$name" >/dev/null
pulp orphan cleanup --protection-time 0 >/dev/null
same 'units that are left' 0 "$(pulp file content list --sha256 "$(of 'd["sha256"]' <unit.json)" | of 'len(d)')"
echo "pulp.sh: $count files mirrored, one uploaded, and all gone again"
