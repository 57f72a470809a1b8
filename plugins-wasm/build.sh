#!/usr/bin/env bash
# Builds the plugins of this folder, and of further crates, into OUT_DIR/<name>.wasm.
#
#   build.sh OUT_DIR [CRATE_DIR...]
#
# A CRATE_DIR has a Cargo.toml, of a crate or of a workspace. A file in OUT_DIR is touched only
# when its bytes change, so whatever depends on it is not done again for nothing.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 OUT_DIR [CRATE_DIR...]" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(dirname "$here")
out=$(realpath -m -- "$1")
shift
crates=("$here")
for crate in "$@"; do
  crates+=("$(realpath -e -- "$crate")")
done

# The caller may be cargo itself, and what it says of its own build is not for this one. Some
# of these variables would also make everything be built again.
for variable in $(compgen -e); do
  case $variable in
    CARGO_HOME | CARGO_BUILD_JOBS | CARGO_HTTP_* | CARGO_NET_* | CARGO_REGISTR* | CARGO_SOURCE_* | CARGO_TERM_*) ;;
    CARGO | CARGO_* | RUSTC | RUSTC_* | RUSTDOC* | RUSTFLAGS | MAKEFLAGS | MFLAGS) unset "$variable" ;;
  esac
done
export CARGO_TARGET_DIR=${PITH_WASM_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pith/wasm-target}

# .cargo/config.toml, which names the linker, is found from here and from nowhere else.
cd "$here"
toolchain=$(./toolchain.sh)

# A component carries the place of its sources in the messages of panics: not this machine's.
paths="target.wasm32-unknown-unknown.rustflags = [
  '--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates',
  '--remap-path-prefix=$project=pith',
]"

# Builds one crate or workspace and prints its plugins, whether fresh or built just now.
build() {
  cargo ${toolchain:+"$toolchain"} build --release --target wasm32-unknown-unknown \
    --config "$paths" --manifest-path "$1/Cargo.toml" \
    --message-format json-render-diagnostics |
    sed -n 's/.*"reason":"compiler-artifact".*"filenames":\["\([^"]*\.wasm\)"\].*/\1/p'
}

# Bytes 4 to 8 of a component are 0d 00 01 00; a module, without the linker, has 01 00 00 00.
is_component() { [ "$(od -An -tx1 -j4 -N4 -- "$1" | tr -d ' \n')" = 0d000100 ]; }

mkdir -p "$out"
# Two calls at once, as from tests that run side by side, take turns.
exec 9>"$out/.lock"
flock 9
for crate in "${crates[@]}"; do
  plugins=$(build "$crate")
  [ -n "$plugins" ] || { echo "$0: $crate has no plugin; is its crate-type cdylib?" >&2; exit 1; }
  while IFS= read -r plugin; do
    name=$(basename "$plugin")
    is_component "$plugin" || { echo "$0: $plugin is not a component" >&2; exit 1; }
    cmp -s "$plugin" "$out/$name" && continue
    # Renamed into place: a server that watches the folder never sees half a file.
    cp "$plugin" "$out/.$name.new"
    mv "$out/.$name.new" "$out/$name"
  done <<<"$plugins"
done
