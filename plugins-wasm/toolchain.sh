#!/usr/bin/env bash
# Prints what goes between `cargo` and its command so that it can build plugins: an empty
# line, or a toolchain such as `+wasm-web`. Everything else it says goes to stderr.
#
#   cargo $(./toolchain.sh) build --release --target wasm32-unknown-unknown
#
# The everyday way is `rustup target add wasm32-unknown-unknown`. Where that target cannot be
# had and the machine is a Debian on amd64, the compiler and the sources of the standard
# library come from Debian's archive instead. They are unpacked into a folder of our own and
# never installed; the standard library is compiled once, in a few minutes.
set -euo pipefail

readonly target=wasm32-unknown-unknown
readonly linker=wasm-component-ld
readonly toolchain=wasm-web
readonly folder=${XDG_CACHE_HOME:-$HOME/.cache}/pith/wasm-toolchain
readonly linked=${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$toolchain

say() { echo "toolchain.sh: $*" >&2; }
give_up() { say "$*"; exit 1; }

# Here, as for the build itself, because a folder can choose its toolchain.
cd "$(dirname "${BASH_SOURCE[0]}")"
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Whether a compiler of this version takes the plugins.
is_new_enough() { [ -n "$1" ] && printf '%s\n' "$oldest" "$1" | sort --check=quiet --version-sort; }

# Whether a library folder of a toolchain, .../rustlib/$target/lib, has a standard library,
# and the toolchain has a linker that makes components.
can_build() {
  compgen -G "$1/libstd-*.rlib" >/dev/null || return 1
  compgen -G "$1/../../*/bin/$linker" >/dev/null || command -v "$linker" >/dev/null
}

default_is_ready() {
  local libraries
  libraries=$(rustc --print target-libdir --target $target 2>/dev/null) && can_build "$libraries"
}

# Its cargo is a link into another toolchain, which may have been removed since.
linked_is_ready() {
  [ -x "$linked/bin/rustc" ] && [ -x "$linked/bin/cargo" ] &&
    can_build "$linked/lib/rustlib/$target/lib" &&
    is_new_enough "$(rustup run $toolchain rustc --version | cut -d ' ' -f 2)"
}

debian_can_help() {
  local tool
  for tool in rustup apt-get apt-cache dpkg flock; do
    command -v "$tool" >/dev/null || return 1
  done
  [ "$(dpkg --print-architecture)" = amd64 ] || return 1
  is_new_enough "$(version_offered rustc-web)" && return
  # Without package lists nothing is on offer, and what old ones offer may be too old;
  # refreshing them takes root.
  apt-get update -qq >&2 && is_new_enough "$(version_offered rustc-web)"
}

version_offered() { apt-cache policy "$1" | sed -n 's/^ *Candidate: *//p' | grep -vxF '(none)' || true; }
dependencies() { apt-cache depends "$1" | sed -n 's/^ *Depends: *\([a-z0-9].*\)/\1/p'; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The compiler, the standard library's sources, and the libraries that the compiler is linked
# to, as far as this machine has not got them.
packages() {
  local library llvm dependency
  library=$(dependencies libstd-rust-web-dev | grep -m1 '^libstd-rust-web-[0-9]')
  llvm=$(dependencies "$library" | grep -m1 '^libllvm')
  printf '%s\n' rustc-web rust-web-src libstd-rust-web-dev "$library" "$llvm"
  for dependency in $(dependencies "$llvm"); do
    is_installed "$dependency" || echo "$dependency"
  done
}

unpack() { # into $1
  local wanted package archives=$folder/archives
  mapfile -t wanted < <(packages)
  [ ${#wanted[@]} -ge 5 ] || give_up "Debian's archive offers rustc-web without all its parts; run: rustup target add $target"
  rm -rf "$archives" "$1"
  mkdir -p "$archives" "$1"
  cd "$archives"
  # Old lists name versions that the archive has no more.
  apt-get download -qq "${wanted[@]}" >&2 2>/dev/null || {
    apt-get update -qq >&2
    apt-get download -qq "${wanted[@]}" >&2
  }
  for package in ./*.deb; do
    dpkg -x "$package" "$1"
  done
  cd "$folder"
  rm -rf "$archives"
}

# Turns Debian's layout ($1 is its /usr) into one that rustup takes for a toolchain.
arrange() {
  local usr=$1 sysroot library programs missing
  sysroot=$(rustc --print sysroot)
  # The programs start with lib/ on the library path, but not lib/x86_64-linux-gnu/.
  for library in "$usr"/lib/x86_64-linux-gnu/*.so* "$usr"/../lib/x86_64-linux-gnu/*.so*; do
    [ -f "$library" ] && ln -sfr "$library" "$usr/lib/"
  done
  missing=$(LD_LIBRARY_PATH=$usr/lib ldd "$usr"/lib/librustc_driver-*.so | awk '/not found/ { print $1 }' | xargs)
  [ -z "$missing" ] || give_up "rustc-web wants $missing; install the packages that have them, or run: rustup target add $target"
  # rust-lld and the linker of components, which Debian does not package.
  programs=$usr/lib/rustlib/x86_64-unknown-linux-gnu/bin
  rm -rf "$programs"
  ln -s "$sysroot/lib/rustlib/x86_64-unknown-linux-gnu/bin" "$programs"
  # Without a cargo rustup takes that of whichever toolchain it finds, and says so each time.
  ln -sf "$sysroot/bin/cargo" "$usr/bin/cargo"
}

build_standard_library() { # of the toolchain whose /usr is $1
  local usr=$1 crate=$folder/std-build libraries
  libraries=$usr/lib/rustlib/$target/lib
  rm -rf "$crate" "$libraries"
  mkdir -p "$crate/src" "$libraries.new"
  : >"$crate/src/lib.rs"
  cat >"$crate/Cargo.toml" <<'MANIFEST'
[package]
name = "standard-library"
edition = "2024"

[workspace]

[profile.release]
codegen-units = 1
MANIFEST
  cd "$crate"
  # Link-time optimization reads bitcode, which libraries carry only if told to. The place of
  # the sources is mapped away, because it would stand in the messages of every plugin.
  local flags=(
    -Cembed-bitcode=yes
    "--remap-path-prefix=$usr/lib/rustlib/src/rust=rust"
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
  )
  env -u RUSTC -u RUSTC_WRAPPER -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET \
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="${flags[*]}" \
    cargo +$toolchain build --quiet --release -Zbuild-std=std,panic_abort \
    --target $target --target-dir "$crate/target" >&2
  cp "$crate/target/$target/release/deps/"lib*.rlib "$libraries.new/"
  rm "$libraries.new/"libstandard_library-*
  cd "$folder"
  rm -rf "$crate"
  # Last, and in one step: from here on the toolchain counts as ready.
  mv "$libraries.new" "$libraries"
}

set_up() {
  local usr=$folder/root/usr
  say "no $target in rustup: taking Debian's rustc-web, once"
  unpack "$folder/root"
  arrange "$usr"
  rustup toolchain link $toolchain "$usr" >&2
  say "building the standard library"
  build_standard_library "$usr"
}

if default_is_ready; then
  echo
  exit
fi
if ! linked_is_ready; then
  debian_can_help || give_up "plugins are built for $target by Rust $oldest or later; run: rustup target add $target"
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9 # whoever waited here finds the work done
  linked_is_ready || set_up
fi
echo "+$toolchain"
