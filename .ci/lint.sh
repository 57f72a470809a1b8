#!/usr/bin/env bash
# All lints, one after the other; the first that finds something ends it.
#
#   .ci/lint.sh PLUGIN_FOLDER GUEST_WORKSPACE...
set -euo pipefail

plugins=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PITH_EMBED_DIR=$plugins
: "${CARGO_TARGET_DIR:?run this by \`make lint\`, which sets it}"

step() { echo "lint: $*" >&2; }

step house rules
.ci/rules.sh

step scripts
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)
if command -v shellcheck >/dev/null; then
  shellcheck --external-sources --severity=warning "${scripts[@]}"
else
  echo "lint: shellcheck is missing; the scripts are only parsed" >&2
  for script in "${scripts[@]}"; do bash -n "$script"; done
fi

step format
cargo fmt --all --check
for guest in "$@"; do
  cargo fmt --all --check --manifest-path "$guest/Cargo.toml"
done

# With the profile of the build, so that its build scripts and macros are used again.
step clippy
cargo clippy --release --workspace --all-targets --features pith-tests/heavy --quiet -- --deny warnings
for guest in "$@"; do
  CARGO_TARGET_DIR=$CARGO_TARGET_DIR/guests cargo clippy --quiet --all-targets \
    --manifest-path "$guest/Cargo.toml" -- --deny warnings
done

step docs
RUSTDOCFLAGS='--deny warnings' cargo doc --release --workspace --no-deps --document-private-items --quiet

step licenses, sources and bans
if command -v cargo-deny >/dev/null; then
  for manifest in Cargo.toml "${@/%//Cargo.toml}"; do
    cargo deny --log-level error --manifest-path "$manifest" --config .ci/deny.toml \
      check bans licenses sources
  done
else
  echo "lint: cargo-deny is missing; install it: cargo install --locked cargo-deny" >&2
  exit 1
fi

step unused dependencies
if command -v cargo-machete >/dev/null; then
  cargo machete
else
  echo "lint: cargo-machete is missing; install it: cargo install --locked cargo-machete" >&2
  exit 1
fi
