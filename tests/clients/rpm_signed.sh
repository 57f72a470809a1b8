#!/usr/bin/env bash
# What is signed here is accepted by a dnf that insists on signatures, with the configuration
# that the server writes for it; and what is tampered with is not.
#
#   rpm_signed.sh BASE_URL USER PASSWORD UPSTREAM_URL PITH DATA_DIRECTORY
set -euo pipefail

BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3 pith=$5 data=$6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
work=$PWD
# The agent's socket wants a short path.
GNUPGHOME=$(mktemp -d /tmp/pith-gpg.XXXXXX)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT

fail() {
  echo "rpm_signed.sh: $*" >&2
  exit 1
}

gpg --batch --quiet --passphrase '' --quick-gen-key zoo@example.org rsa3072
cat >sign.sh <<SH
#!/bin/sh
gpg --homedir $GNUPGHOME --batch --yes --quiet --armor --detach-sign \\
  --local-user "\$PULP_SIGNING_KEY_FINGERPRINT" --output "\$1.asc" "\$1" || exit 1
echo "{\"file\": \"\$1\", \"signature\": \"\$1.asc\"}"
SH
chmod +x sign.sh
env -u PITH_ADMIN_PASSWORD "$pith" signing-service add zoo sign.sh zoo@example.org --data-dir "$data"
service=$(call GET '/signing-services/?name=zoo' | field pulp_href)

mkdir packages
printf '%s\n' 'Name: bear' 'Version: 1' 'Release: 1' 'Summary: x' 'License: MIT' 'BuildArch: noarch' \
  '%description' 'x' '%files' >bear.spec
rpmbuild -bb --quiet --define "_topdir $work/build" bear.spec >build.log 2>&1 || fail "rpmbuild failed"
package=$(echo build/RPMS/noarch/*.rpm)
repository=$(call POST /repositories/rpm/rpm/ "{\"name\": \"signed\", \"autopublish\": true,
  \"metadata_signing_service\": \"$service\", \"repo_config\": {\"repo_gpgcheck\": 1}}" | field pulp_href)
curl --silent --show-error --fail --user "$USER_NAME:$PASSWORD" --form "file=@$package" \
  --form "repository=$repository" "$BASE_URL/pulp/api/v3/content/rpm/packages/" >task.json
finish <task.json >/dev/null
call POST /distributions/rpm/rpm/ "{\"name\": \"signed\", \"base_path\": \"signed\",
  \"repository\": \"$repository\", \"generate_repo_config\": true}" | finish >/dev/null
site=$BASE_URL/pulp/content/signed
mkdir repos
curl --silent --show-error --fail "$site/config.repo" >repos/signed.repo
grep -q '^repo_gpgcheck=1$' repos/signed.repo || fail "$(cat repos/signed.repo)"

# client NAME ARGUMENTS...: dnf with a root and a cache of its own.
client() {
  local name=$1
  shift
  dnf --quiet --assumeyes --installroot="$work/root-$name" --releasever=9 \
    --setopt=reposdir="$work/repos" --setopt=cachedir="$work/cache-$name" \
    --setopt=skip_if_unavailable=False "$@"
}

[ "$(client ours repoquery --all --queryformat '%{name}')" = bear ] || fail "dnf does not accept what is signed"
client ours install bear >/dev/null || fail "dnf does not install"

# The same indexes with one byte more in their list.
mkdir -p mirror/repodata
for file in repomd.xml repomd.xml.asc repomd.xml.key; do
  curl --silent --show-error --fail "$site/repodata/$file" >"mirror/repodata/$file"
done
echo >>mirror/repodata/repomd.xml
sed -i "s,^baseurl=.*,baseurl=file://$work/mirror/," repos/signed.repo
if client theirs repoquery --all >tampered.log 2>&1; then
  fail "dnf accepts what was tampered with"
fi
echo "rpm_signed.sh: dnf accepts what is signed, and nothing else"
