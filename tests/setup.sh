#!/usr/bin/env bash
# Installs what is missing for a purpose, and nothing that is there. Quick when all is there.
#
#   tests/setup.sh run|test|lint|clients|bench...
#
# Debian's packages come by apt (as root, or by sudo without a password); Cargo's tools and
# Python's go into the cache folder, which `.ci/tools.sh` names. Where neither is possible, one line
# says what to install.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$("$here/../.ci/tools.sh")
export PATH="$tools/bin:$PATH"

say() { echo "setup: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo --non-interactive "$@"
  fi
}

may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo --non-interactive true 2>/dev/null; }
}

# The packages that are asked for; installed together, at the end.
packages=()

# want PROGRAM PACKAGE: the package, unless the program is there.
want() {
  command -v "$1" >/dev/null || packages+=("$2")
}

want_postgres() {
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    packages+=(postgresql)
}

want_venv() {
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
}

# A package without which things go on, only less well.
want_if_possible() {
  if ! command -v "$1" >/dev/null && may_install; then
    packages+=("$2")
  fi
}

install_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  may_install || fail "missing; as root: apt-get install ${packages[*]}"
  say "installing ${packages[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends)
  # Lists that are old, or not there, name versions that cannot be had.
  as_root "${install[@]}" "${packages[@]}" >/dev/null 2>&1 || {
    as_root apt-get update -qq >&2
    as_root "${install[@]}" "${packages[@]}" >/dev/null
  }
}

# want_tool CRATE PROGRAM: a tool of Cargo, unless the program is there.
want_tool() {
  local crate=$1 program=$2
  command -v "$program" >/dev/null && return
  say "building $crate once, into $tools"
  # They are waited for once and run for seconds: built fast rather than fast when built.
  env -u CARGO_TARGET_DIR -u RUSTFLAGS \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false \
    cargo install --quiet --locked --root "$tools" "$crate" >&2 ||
    fail "$crate cannot be installed; by hand: cargo install --locked $crate"
}

# The programs in requirements.txt, in an environment of their own.
want_python() {
  local wanted=$here/requirements.txt have=$tools/python/requirements.txt
  cmp --silent "$wanted" "$have" && return
  say "installing Python's tools once, into $tools/python"
  python3 -m venv --clear "$tools/python" ||
    fail "Python's venv is missing; as root: apt-get install python3-venv"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2 ||
    fail "Python's tools cannot be installed; by hand: pip install --requirement $wanted"
  # Last, so that half an installation is done anew.
  cp "$wanted" "$have"
}

command -v cargo >/dev/null || fail "Rust is missing; the README says how to install it"

for purpose in "$@"; do
  case $purpose in
    run)
      want curl curl
      want cc gcc
      ;;
    test)
      want cc gcc
      want curl curl
      want python3 python3
      want_venv
      want_postgres
      want rpmsign rpm
      ;;
    clients)
      want curl curl
      want cc gcc
      want python3 python3
      want_venv
      want rpmbuild rpm
      want createrepo_c createrepo-c
      want dnf dnf
      ;;
    lint)
      want_if_possible shellcheck shellcheck
      ;;
    bench)
      want curl curl
      want python3 python3
      want_if_possible nginx nginx-light
      want_if_possible wrk wrk
      ;;
    *) fail "usage: setup.sh run|test|lint|clients|bench..." ;;
  esac
done
install_packages

for purpose in "$@"; do
  case $purpose in
    test)
      want_tool cargo-nextest cargo-nextest
      want_python
      ;;
    clients) want_python ;;
    lint)
      want_tool cargo-deny cargo-deny
      want_tool cargo-machete cargo-machete
      ;;
  esac
done
