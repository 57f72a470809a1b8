#!/usr/bin/env bash
# What is signed here, indexes and packages, is accepted by a dnf that insists on signatures, with
# the configuration that the server writes for it; what is tampered with or not signed is not.
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

cat >sign_package.sh <<SH
#!/bin/sh
rpmsign --define "__gpg $(command -v gpg)" --define "_gpg_path $GNUPGHOME" \\
  --define "_gpg_name \$PULP_SIGNING_KEY_FINGERPRINT" --addsign "\$1" >&2 || exit 1
echo "{\"rpm_package\": \"\$1\"}"
SH
chmod +x sign_package.sh

mkdir packages
printf '%s\n' 'Name: bear' 'Version: 1' 'Release: 1' 'Summary: x' 'License: MIT' 'BuildArch: noarch' \
  '%description' 'x' '%files' >bear.spec
rpmbuild -bb --quiet --define "_topdir $work/build" bear.spec >build.log 2>&1 || fail "rpmbuild failed"
package=$(echo build/RPMS/noarch/*.rpm)
env -u PITH_ADMIN_PASSWORD "$pith" signing-service add packages sign_package.sh zoo@example.org \
  --sample "$package" --data-dir "$data"
package_service=$(call GET '/signing-services/?name=packages' | field pulp_href)

# serve NAME SETTINGS: a repository with the package, whose configuration insists on signatures.
serve() {
  local name=$1 repository
  repository=$(call POST /repositories/rpm/rpm/ "{\"name\": \"$name\", \"autopublish\": true, $2
    \"metadata_signing_service\": \"$service\",
    \"repo_config\": {\"repo_gpgcheck\": 1, \"gpgcheck\": 1}}" | field pulp_href)
  curl --silent --show-error --fail --user "$USER_NAME:$PASSWORD" --form "file=@$package" \
    --form "repository=$repository" "$BASE_URL/pulp/api/v3/content/rpm/packages/" >task.json
  finish <task.json >/dev/null
  call POST /distributions/rpm/rpm/ "{\"name\": \"$name\", \"base_path\": \"$name\",
    \"repository\": \"$repository\", \"generate_repo_config\": true}" | finish >/dev/null
  rm -rf repos
  mkdir repos
  curl --silent --show-error --fail "$BASE_URL/pulp/content/$name/config.repo" >repos/zoo.repo
  grep -q '^repo_gpgcheck=1$' repos/zoo.repo && grep -q '^gpgcheck=1$' repos/zoo.repo ||
    fail "$(cat repos/zoo.repo)"
}

# client NAME ARGUMENTS...: dnf with a root and a cache of its own.
client() {
  local name=$1
  shift
  dnf --quiet --assumeyes --installroot="$work/root-$name" --releasever=9 \
    --setopt=reposdir="$work/repos" --setopt=cachedir="$work/cache-$name" \
    --setopt=skip_if_unavailable=False "$@"
}

# Packages that nobody signed.
serve unsigned ''
if client unsigned install bear >unsigned.log 2>&1; then
  fail "dnf installs what is not signed"
fi
grep -qi 'not signed' unsigned.log || fail "$(cat unsigned.log)"

serve signed "\"package_signing_service\": \"$package_service\","
site=$BASE_URL/pulp/content/signed
[ "$(client ours repoquery --all --queryformat '%{name}')" = bear ] || fail "dnf does not accept what is signed"
client ours install bear >/dev/null || fail "dnf does not install"
curl --silent --show-error --fail "$site/Packages/b/bear-1-1.noarch.rpm" >served.rpm
gpg --armor --export zoo@example.org >zoo.key
rpmkeys --dbpath "$work/keys" --import zoo.key
rpmkeys --dbpath "$work/keys" -K served.rpm | grep -q 'digests signatures OK' || fail "rpm -K does not agree"

# The same indexes with one byte more in their list.
mkdir -p mirror/repodata
for file in repomd.xml repomd.xml.asc repomd.xml.key; do
  curl --silent --show-error --fail "$site/repodata/$file" >"mirror/repodata/$file"
done
echo >>mirror/repodata/repomd.xml
sed -i "s,^baseurl=.*,baseurl=file://$work/mirror/," repos/zoo.repo
if client theirs repoquery --all >tampered.log 2>&1; then
  fail "dnf accepts what was tampered with"
fi
echo "rpm_signed.sh: dnf accepts what is signed, and nothing else"
