#!/usr/bin/env bash
# The rpm plugin as users of dnf have it: what it prints for a mirror is what it prints for the
# upstream, and packages come from the mirror and install.
#
#   rpm.sh BASE_URL USER PASSWORD [UPSTREAM_URL]
#
# The upstream is a repository of its own, made by rpmbuild and createrepo_c.
set -euo pipefail

BASE_URL=${1%/} USER_NAME=$2 PASSWORD=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/api.sh
. "$here/../../examples/api.sh"
tag=$(date +%s)-$$
work=$PWD

fail() {
  echo "rpm.sh: $*" >&2
  exit 1
}

# build NAME VERSION [LINE...]: makes NAME-VERSION-1.noarch.rpm and its source package.
build() {
  local name=$1 version=$2
  shift 2
  {
    printf '%s\n' "Name: $name" "Version: $version" "Release: 1" "Summary: The $name & <co>" \
      "License: MIT" "BuildArch: noarch" "$@" "%description" "A $name of version $version." \
      "%install" "mkdir -p %{buildroot}/usr/share/$name" \
      "echo $name $version >%{buildroot}/usr/share/$name/file" \
      "%files" "/usr/share/$name" "%changelog" \
      "* Mon Jan 01 2024 Keeper <keeper@example.org> - $version-1" "- fed"
  } >"$name-$version.spec"
  rpmbuild -ba --quiet --define "_topdir $work/build" "$name-$version.spec" >build.log 2>&1 ||
    { cat build.log >&2; fail "rpmbuild failed"; }
}

build bear 1.0 "Provides: creature(bear) = 1.0"
build bear 1.10 "Provides: creature(bear) = 1.10"
build cub 1.0 "Requires: bear >= 1.2" "Recommends: honey" "Obsoletes: kit < 1"
build honey 2.0
mkdir -p upstream/Packages
cp build/RPMS/noarch/*.rpm build/SRPMS/*.rpm upstream/Packages/

cat >comps.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<comps>
  <group><id>mammals</id><name>Mammals</name><name xml:lang="de">Säugetiere</name>
    <description>Warm</description><default>true</default><uservisible>true</uservisible>
    <packagelist><packagereq type="mandatory">bear</packagereq><packagereq type="optional">cub</packagereq></packagelist></group>
  <category><id>all</id><name>All</name><description>Everything</description>
    <grouplist><groupid>mammals</groupid></grouplist></category>
  <environment><id>zoo</id><name>Zoo</name><description>A zoo</description><display_order>1</display_order>
    <grouplist><groupid>mammals</groupid></grouplist></environment>
</comps>
XML
cat >updateinfo.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="keeper@example.org" status="final" type="security" version="1">
    <id>ZOO-2024:1</id><title>bear update</title><severity>Important</severity><summary>bites</summary>
    <issued date="2024-01-10 00:00:00"/><updated date="2024-01-11 00:00:00"/><description>bites &amp; more</description>
    <references><reference href="https://example.org/1" id="CVE-2024-0001" title="CVE" type="cve"/></references>
    <pkglist><collection short="zoo"><name>zoo</name>
      <package name="bear" version="1.10" release="1" epoch="0" arch="noarch" src="bear-1.10-1.src.rpm"><filename>bear-1.10-1.noarch.rpm</filename></package>
    </collection></pkglist></update>
</updates>
XML
cat >modules.yaml <<'YAML'
---
document: modulemd
version: 2
data:
  name: hive
  stream: "2.0"
  version: 20240101000000
  context: deadbeef
  arch: noarch
  summary: The hive
  description: Bees
  license:
    module: [MIT]
  dependencies:
  - requires:
      platform: [el9]
  profiles:
    default:
      rpms: [honey]
  artifacts:
    rpms:
    - honey-0:2.0-1.noarch
...
---
document: modulemd-defaults
version: 1
data:
  module: hive
  stream: "2.0"
  profiles:
    "2.0": [default]
...
YAML

# A port that is free now; the server of Python says where it listens and nothing else.
python3 -u -m http.server --bind 127.0.0.1 --directory upstream 0 >upstream.log 2>&1 &
upstream_process=$!
trap 'kill "$upstream_process" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' upstream.log | head -n 1)
  [ -z "$port" ] || break
  sleep 0.1
done
[ -n "$port" ] || fail "the upstream does not start"
upstream=http://127.0.0.1:$port

# client NAME URL ARGUMENTS...: dnf with a repository and a root of its own.
client() {
  local name=$1 url=$2
  shift 2
  dnf --quiet --assumeyes --installroot="$work/root-$name" --releasever=9 --disablerepo='*' \
    --setopt=reposdir="$work" --setopt=cachedir="$work/cache-$name" --setopt=keepcache=0 \
    --setopt=module_platform_id=platform:el9 --setopt=install_weak_deps=1 \
    --repofrompath="zoo,$url" --enablerepo=zoo --nogpgcheck "$@"
}

# same ARGUMENTS...: dnf prints the same of the mirror as of the upstream, and something.
same() {
  client theirs "$upstream/" "$@" >theirs || fail "dnf $* fails for the upstream"
  client ours "$site/" "$@" >ours || fail "dnf $* fails for the mirror"
  diff -u theirs ours || fail "dnf $* prints something else for the mirror"
  [ -s ours ] || fail "dnf $* prints nothing"
}

# What the upstream writes, and what our side does.
for forms in gz:gz bz2:zstd xz:none; do
  form=${forms%:*} written=${forms#*:}
  rm -rf upstream/repodata
  createrepo_c --quiet --general-compress-type "$form" --groupfile "$work/comps.xml" upstream
  modifyrepo_c --compress-type "$form" --mdtype modules modules.yaml upstream/repodata/ >/dev/null
  modifyrepo_c --compress-type "$form" --mdtype updateinfo updateinfo.xml upstream/repodata/ >/dev/null
  name=zoo-$form-$tag
  remote=$(call POST /remotes/rpm/rpm/ \
    "{\"name\": \"$name\", \"url\": \"$upstream/\", \"policy\": \"on_demand\"}" | field pulp_href)
  repository=$(call POST /repositories/rpm/rpm/ \
    "{\"name\": \"$name\", \"autopublish\": true, \"compression_type\": \"$written\"}" | field pulp_href)
  call POST "${repository}sync/" "{\"remote\": \"$remote\"}" | finish >/dev/null
  call POST /distributions/rpm/rpm/ \
    "{\"name\": \"$name\", \"base_path\": \"$name\", \"repository\": \"$repository\"}" | finish >/dev/null
  site=$BASE_URL/pulp/content/$name
  rm -rf cache-* root-*
  client ours "$site/" makecache || fail "$form: makecache fails"
  same repoquery --all --queryformat '%{name} %{evr} %{arch} %{size} %{license} %{summary} %{description}'
  same repoquery --provides cub
  same repoquery --requires cub
  same repoquery --recommends cub
  same repoquery --obsoletes cub
  same repoquery --list bear
  same repoquery --changelogs bear
  same repoquery --whatprovides '/usr/share/honey/file'
  same repoquery --advisory ZOO-2024:1
  # Advisories are for what is installed.
  client theirs "$upstream/" install bear-1.0 >/dev/null || fail "the upstream's bear does not install"
  client ours "$site/" install bear-1.0 >/dev/null || fail "the mirror's bear does not install"
  same updateinfo list
  same updateinfo info
  same group list --hidden
  same group info mammals
  same module list
  same module info hive
  echo "rpm.sh: $forms: dnf prints the same for the mirror"
done

client ours "$site/" install cub bear >/dev/null || fail "cub does not install"
[ "$(cat root-ours/usr/share/bear/file)" = "bear 1.10" ] || fail "cub came without its bear"
[ -e root-ours/usr/share/honey/file ] || fail "cub came without the honey that it recommends"
for package in upstream/Packages/*.noarch.rpm; do
  file=$(basename "$package")
  curl --silent --show-error --fail "$site/Packages/${file:0:1}/$file" | cmp - "$package" ||
    fail "$file has other bytes"
done
echo "rpm.sh: packages come and install"

# The `pulp` command drives it too: only the newest builds, and an advisory with its package.
python=$("$here/../../.ci/tools.sh")/python/bin
# The command keeps documents by their address, and ports come back.
export XDG_CACHE_HOME=$PWD/cache XDG_CONFIG_HOME=$PWD/config
cat >cli.toml <<TOML
[cli]
base_url = "$BASE_URL"
username = "$USER_NAME"
password = "$PASSWORD"
timeout = 60
TOML
pulp() { "$python/pulp" --config cli.toml "$@" 2>pulp.log || { cat pulp.log >&2 && return 1; }; }
# of EXPRESSION: what it says of the document on stdin, which is called `d`.
of() { "$python/python" -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
# builds REPOSITORY: the packages that it has, with their versions.
builds() {
  pulp rpm repository content list --repository "$1" --limit 100 |
    of '" ".join(sorted(u["name"] + "-" + u["version"] for u in d if u["arch"] != "src"))'
}

name=newest-$tag
pulp rpm remote create --name "$name" --url "$upstream/" --policy on_demand >/dev/null
pulp rpm repository create --name "$name" --remote "$name" --retain-package-versions 1 >/dev/null
pulp rpm repository sync --name "$name" --sync-policy additive >/dev/null
[ "$(builds "$name")" = "bear-1.10 cub-1.0 honey-2.0" ] || fail "pulp shows $(builds "$name")"
pulp rpm repository create --name "copy-$tag" >copy.json
version=$(pulp rpm repository show --name "$name" | of 'd["latest_version_href"]')
advisory=$(pulp rpm content --type advisory list --repository-version "$version" | of 'd[0]["pulp_href"]')
destination=$(of 'd["pulp_href"]' <copy.json)
echo "[{\"source_repo_version\": \"$version\", \"dest_repo\": \"$destination\", \"content\": [\"$advisory\"]}]" >copy.json
pulp rpm copy --config @copy.json >/dev/null
[ "$(builds "copy-$tag")" = "bear-1.10" ] || fail "with the advisory came $(builds "copy-$tag")"
pulp rpm publication create --repository "copy-$tag" >/dev/null
pulp rpm distribution create --name "copy-$tag" --base-path "copy-$tag" --repository "copy-$tag" >/dev/null
sleep 1
listed=$(client copied "$BASE_URL/pulp/content/copy-$tag/" repoquery --all --queryformat '%{name}-%{version}')
[ "$listed" = "bear-1.10" ] || fail "dnf sees $listed in the copy"
echo "rpm.sh: the pulp command mirrors the newest builds and copies an advisory with its package"

# A distribution tree: dnf finds the repository below it where the upstream has it, in a mirror and
# in a copy of the tree.
mkdir -p upstream/tree/Packages upstream/tree/addons/High/Packages upstream/tree/images
cp build/RPMS/noarch/bear-*.rpm upstream/tree/Packages/
cp build/RPMS/noarch/honey-*.rpm build/RPMS/noarch/cub-*.rpm upstream/tree/addons/High/Packages/
createrepo_c --quiet upstream/tree
createrepo_c --quiet upstream/tree/addons/High
echo "an image" >upstream/tree/images/boot.iso
cat >upstream/tree/.treeinfo <<INI
[header]
type = productmd.treeinfo
version = 1.2
[release]
name = Zoo
short = Zoo
version = 9
[tree]
arch = noarch
build_timestamp = 1700000000
variants = Main
[checksums]
images/boot.iso = sha256:$(sha256sum <upstream/tree/images/boot.iso | cut -d ' ' -f 1)
[images-noarch]
boot.iso = images/boot.iso
[variant-Main]
id = Main
uid = Main
name = Main
type = variant
packages = Packages
repository = .
[addon-Main-High]
id = High
uid = Main-High
name = High
type = addon
packages = addons/High/Packages
repository = addons/High
INI
name=tree-$tag
# serve REPOSITORY: gives it a distribution of its name.
serve() {
  pulp rpm publication create --repository "$1" >/dev/null
  pulp rpm distribution create --name "$1" --base-path "$1" --repository "$1" >/dev/null
  sleep 1
}
pulp rpm remote create --name "$name" --url "$upstream/tree/" --policy on_demand >/dev/null
pulp rpm repository create --name "$name" --remote "$name" >/dev/null
pulp rpm repository sync --name "$name" >/dev/null
serve "$name"
version=$(pulp rpm repository show --name "$name" | of 'd["latest_version_href"]')
tree=$(call GET "/content/rpm/distribution_trees/?repository_version=$version" |
  of 'd["results"][0]["pulp_href"]')
pulp rpm repository create --name "$name-copy" >copy.json
destination=$(of 'd["pulp_href"]' <copy.json)
echo "[{\"source_repo_version\": \"$version\", \"dest_repo\": \"$destination\", \"content\": [\"$tree\"]}]" >copy.json
pulp rpm copy --config @copy.json >/dev/null
serve "$name-copy"
addon=$upstream/tree/addons/High
for name in "$name" "$name-copy"; do
  rm -rf cache-* root-*
  upstream=$addon site=$BASE_URL/pulp/content/$name/addons/High
  same repoquery --all --queryformat '%{name} %{evr} %{arch} %{size} %{location}'
  same repoquery --requires cub
  client ours "$site/" install honey >/dev/null || fail "$name: honey does not install"
  [ -e root-ours/usr/share/honey/file ] || fail "$name: honey is not there"
  curl --silent --show-error --fail "$BASE_URL/pulp/content/$name/images/boot.iso" |
    cmp - "$work/upstream/tree/images/boot.iso" || fail "$name: the image has other bytes"
done
echo "rpm.sh: dnf finds the repository below a tree, and below a copy of it"
