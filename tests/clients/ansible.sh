#!/usr/bin/env bash
# The Ansible plugin as users of ansible-galaxy have it: publish, install, verify, download; roles.
#
#   ansible.sh BASE_URL USER PASSWORD UPSTREAM_URL
#
# UPSTREAM_URL is not needed: the client itself builds what is published.
set -euo pipefail

BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
galaxy=$("$here/../../.ci/tools.sh")/python/bin/ansible-galaxy
# Scripts may be run twice against one server.
tag=$(date +%s)-$$
space=zoo$$

fail() {
  echo "ansible.sh: $*" >&2
  exit 1
}

# The client keeps what it knows below its home.
HOME=$PWD
export HOME ANSIBLE_HOME=$PWD/.ansible ANSIBLE_LOCAL_TEMP=$PWD/.ansible/tmp ANSIBLE_NOCOLOR=1 \
  LC_ALL=C.UTF-8

# build NAME VERSION [DEPENDENCY]: the archive of a collection, in this folder.
build() {
  local name=$1 version=$2 dependency=${3:-} source=source-$1-$2
  mkdir -p "$source/plugins/modules" "$source/roles/keeper/tasks" "$source/meta"
  cat >"$source/galaxy.yml" <<EOF
namespace: $space
name: $name
version: $version
readme: README.md
authors: [A Keeper <keeper@example.com>]
description: What $name do
license: [Apache-2.0]
tags: [animals]
dependencies: {${dependency:+"$dependency"}}
repository: https://example.com/$name
EOF
  echo "# The $name" >"$source/README.md"
  echo "requires_ansible: '>=2.15.0'" >"$source/meta/runtime.yml"
  echo "print('$name $version')" >"$source/plugins/modules/feed.py"
  echo "[]" >"$source/roles/keeper/tasks/main.yml"
  "$galaxy" collection build --force "$source" >/dev/null
}

# configure NAME ADDRESS [LINE...]: the server that the client asks from now on.
configure() {
  local name=$1 address=$2
  shift 2
  {
    printf '[galaxy]\nserver_list = %s\n[galaxy_server.%s]\nurl = %s\n' "$name" "$name" "$address"
    [ $# -eq 0 ] || printf '%s\n' "$@"
  } >ansible.cfg
}

# installed FOLDER: names and versions, as the client lists them.
installed() {
  "$galaxy" collection list --collections-path "$1" --format json 2>/dev/null |
    python3 -c 'import json, sys
for found in json.load(sys.stdin).values():
    for name, about in sorted(found.items()):
        # The client itself brings some of its own.
        if not name.startswith("ansible."):
            print(name, about["version"])'
}

expect() {
  local what=$1 wanted=$2 found=$3
  [ "$wanted" = "$found" ] || fail "$what: expected <$wanted>, found <$found>"
}

base_path=$space-$tag
repository=$(call POST /repositories/ansible/ansible/ "{\"name\": \"$base_path\"}" | field pulp_href)
call POST /distributions/ansible/ansible/ \
  "{\"name\": \"$base_path\", \"base_path\": \"$base_path\", \"repository\": \"$repository\"}" |
  finish >/dev/null

build birds 1.0.0
build birds 1.1.0
build birds 2.0.0-beta.1
build cages 0.3.0 "$space.birds: '>=1.0.0,<2'"

scoped=$BASE_URL/pulp_ansible/galaxy/$base_path/api/
password=("username = $USER_NAME" "password = $PASSWORD")
configure scoped "$scoped" "${password[@]}"
for version in 1.0.0 1.1.0 2.0.0-beta.1; do
  "$galaxy" collection publish "$space-birds-$version.tar.gz" >publish.log 2>&1 ||
    fail "publish: $(cat publish.log)"
done

# The same server under the address that scopes it to one repository, by a token.
token=$(curl --silent --fail --user "$USER_NAME:$PASSWORD" --request POST \
  "$BASE_URL/api/galaxy/v3/auth/token/" | field token)
configure repository "$BASE_URL/api/galaxy/content/$base_path/" "token = $token"
"$galaxy" collection publish "$space-cages-0.3.0.tar.gz" >publish.log 2>&1 ||
  fail "publish by a token: $(cat publish.log)"

# What is no collection is refused with words that say why.
tar --create --gzip --file "$space-worms-1.0.0.tar.gz" publish.log
if "$galaxy" collection publish "$space-worms-1.0.0.tar.gz" >publish.log 2>&1; then
  fail "an archive without a manifest was published"
fi
grep --quiet 'MANIFEST.json' publish.log || fail "the refusal does not say why: $(cat publish.log)"

# A newest version with what it needs: no prerelease, unless it is asked for.
"$galaxy" collection install "$space.cages" --collections-path newest >install.log 2>&1 ||
  fail "install: $(cat install.log)"
expect "with dependencies" "$space.birds 1.1.0
$space.cages 0.3.0" "$(installed newest)"
"$galaxy" collection install --pre "$space.birds" --collections-path pre >/dev/null
expect "with prereleases" "$space.birds 2.0.0-beta.1" "$(installed pre)"

# Without a name, from what everybody may read.
configure anonymous "$scoped"
for cache in "" --clear-response-cache; do
  # shellcheck disable=SC2086
  "$galaxy" collection install $cache "$space.birds:1.0.0" --collections-path "pinned$cache" \
    >install.log 2>&1 || fail "install without a name: $(cat install.log)"
  expect "pinned" "$space.birds 1.0.0" "$(installed "pinned$cache")"
done
cmp "source-birds-1.0.0/plugins/modules/feed.py" \
  "pinned/ansible_collections/$space/birds/plugins/modules/feed.py" || fail "a file is another one"

"$galaxy" collection verify "$space.birds:1.0.0" --collections-path pinned >verify.log 2>&1 ||
  fail "verify: $(cat verify.log)"
echo changed >>"pinned/ansible_collections/$space/birds/README.md"
if "$galaxy" collection verify "$space.birds:1.0.0" --collections-path pinned >verify.log 2>&1; then
  fail "a changed file was not noticed"
fi

cat >requirements.yml <<EOF
collections:
  - name: $space.cages
    version: "*"
  - name: $space.birds
    version: ">=1.0.0,<1.1.0"
EOF
"$galaxy" collection install --requirements-file requirements.yml --collections-path required \
  >install.log 2>&1 || fail "install of requirements: $(cat install.log)"
expect "requirements" "$space.birds 1.0.0
$space.cages 0.3.0" "$(installed required)"

# Offline: what was downloaded installs without any server.
"$galaxy" collection download "$space.cages" --download-path downloaded >/dev/null 2>&1
cmp "$space-cages-0.3.0.tar.gz" "downloaded/$space-cages-0.3.0.tar.gz" ||
  fail "the archive that comes down is not the one that went up"
(cd downloaded && "$galaxy" collection install --requirements-file requirements.yml --offline \
  --collections-path ../offline >/dev/null 2>&1) || fail "what was downloaded cannot be installed"
expect "offline" "$space.birds 1.1.0
$space.cages 0.3.0" "$(installed offline)"

# Roles, which are uploaded by Pulp's API, as Galaxy's first API serves them.
for version in 1.2.0 1.10.0; do
  source=role-$version/keeper-$version
  mkdir -p "$source/meta" "$source/tasks"
  printf 'galaxy_info:\n  author: keeper\n  description: Keeps %s\n  galaxy_tags: [zoo]\n' \
    "$version" >"$source/meta/main.yml"
  printf -- '- debug: {msg: %s}\n' "$version" >"$source/tasks/main.yml"
  tar --create --gzip --file "keeper-$version.tar.gz" --directory "role-$version" "keeper-$version"
  curl --silent --show-error --fail --user "$USER_NAME:$PASSWORD" \
    --form "file=@keeper-$version.tar.gz" --form "namespace=$space" --form name=keeper \
    --form "version=$version" --form "repository=$repository" \
    "$BASE_URL/pulp/api/v3/content/ansible/roles/" | finish >/dev/null
done
configure roles "$scoped"
"$galaxy" role install "$space.keeper" --roles-path roles >role.log 2>&1 ||
  fail "role install: $(cat role.log)"
cmp role-1.10.0/keeper-1.10.0/tasks/main.yml "roles/$space.keeper/tasks/main.yml" ||
  fail "the newest role is another one"
"$galaxy" role install "$space.keeper,1.2.0" --roles-path pinned-roles >role.log 2>&1 ||
  fail "role install of a version: $(cat role.log)"
cmp role-1.2.0/keeper-1.2.0/tasks/main.yml "pinned-roles/$space.keeper/tasks/main.yml" ||
  fail "the pinned role is another one"
"$galaxy" role search keeps --author "$space" >role.log 2>&1
grep --quiet "$space.keeper  *Keeps 1.10.0" role.log || fail "role search: $(cat role.log)"
"$galaxy" role info "$space.keeper" --roles-path none >role.log 2>&1
grep --quiet "description: Keeps 1.10.0" role.log || fail "role info: $(cat role.log)"
if "$galaxy" role install "$space.nobody" --roles-path roles >role.log 2>&1; then
  fail "a role that is not there was installed"
fi

echo "ansible.sh: published, installed by password, token and without a name, verified, downloaded," \
  "roles installed, searched and shown"
