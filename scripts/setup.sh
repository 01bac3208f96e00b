#!/usr/bin/env bash
# Installs what is missing to build and run Swell; a second run finds everything and takes a second.
#   scripts/setup.sh          what `run`, `dev` and `bench` need
#   scripts/setup.sh test     also what `test` needs: Chromium, Playwright, cargo-deny, cargo-machete
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/env.sh
. "$ROOT/scripts/env.sh"
mkdir -p "$SWELL_TOOLS"

apt_updated=
apt_install() { # apt_install PACKAGE… : Debian and Ubuntu only
  have apt-get || return 1
  if [ -z "$apt_updated" ]; then
    as_root apt-get update -qq
    apt_updated=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# --- a C compiler and Node --------------------------------------------------------------------
have cc || { say "Installing a C compiler (Rust links with it)"; apt_install build-essential \
  || die "no C compiler: install gcc or clang (macOS: xcode-select --install), then run this again"; }
have npm || { say "Installing Node.js (for wasm-opt and the browser tests)"; apt_install nodejs npm \
  || die "no npm: install Node.js 20 or newer, then run this again"; }

# --- Rust that can build for wasm32 -----------------------------------------------------------
# good RUSTC: new enough, and with a standard library for wasm32
good() {
  local version lib
  version=$("$1" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1) || return 1
  [ "$(printf '%s\n%s\n' "$RUST_VERSION" "$version" | sort -V | head -1)" = "$RUST_VERSION" ] || return 1
  lib=$("$1" --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) || return 1
  compgen -G "$lib/libstd-*.rlib" >/dev/null
}

# A toolchain of its own beside the user's, so that their default stays what it is.
rust_from_rustup() {
  if ! have rustup && have curl; then
    say "Installing rustup"
    curl --proto '=https' --tlsv1.2 -fsS --max-time 60 https://sh.rustup.rs 2>/dev/null \
      | sh -s -- -y -q --no-modify-path --default-toolchain none >/dev/null 2>&1 || true
  fi
  have rustup || return 1
  say "Installing Rust $RUST_VERSION with the wasm32 target through rustup (1 to 2 minutes)"
  rustup toolchain install "$RUST_VERSION" --no-self-update --profile minimal -c clippy -c rustfmt \
    -t wasm32-unknown-unknown >/dev/null 2>&1 || return 1
  echo "$RUST_VERSION" >"$SWELL_TOOLS/rustup-toolchain"
  export RUSTUP_TOOLCHAIN="$RUST_VERSION"
  good rustc
}

# Where rustup can fetch nothing, Debian's Rust builds the missing standard library from its sources.
rust_from_debian() {
  have apt-get || return 1
  say "rustup can fetch nothing here: using Debian's Rust and building the wasm32 standard library"
  say "from its sources (about 3 minutes, once)"
  apt_install rustc-web cargo-web rust-web-src rust-web-llvm rustfmt-web rust-web-clippy || return 1
  local lld dir lib
  lld=$(basename "$(readlink /usr/bin/rust-lld)") && apt_install "$lld" || return 1
  if ! good /usr/bin/rustc; then
    dir=$(mktemp -d)
    lib=$(/usr/bin/rustc --print target-libdir --target wasm32-unknown-unknown)
    mkdir -p "$dir/src"
    printf '[package]\nname = "std-only"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$dir/Cargo.toml"
    : >"$dir/src/lib.rs"
    (cd "$dir" && RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$dir/target" RUSTC=/usr/bin/rustc /usr/bin/cargo build -q \
      --release -Zbuild-std=std,panic_abort,proc_macro --target wasm32-unknown-unknown) || return 1
    as_root mkdir -p "$lib"
    as_root cp "$dir"/target/wasm32-unknown-unknown/release/deps/*.rlib "$lib/"
    as_root rm -f "$lib"/libstd_only-*.rlib
    rm -rf "$dir"
  fi
  mkdir -p "$SWELL_TOOLS/rust/bin"
  for tool in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
    ln -sf "/usr/bin/$tool" "$SWELL_TOOLS/rust/bin/$tool"
  done
  unset RUSTUP_TOOLCHAIN
  hash -r
  good rustc
}

if ! good rustc; then
  rust_from_rustup || rust_from_debian \
    || die "no Rust $RUST_VERSION or newer with the wasm32-unknown-unknown target: install rustup (https://rustup.rs), then run this again"
fi

# --- Rust tools -------------------------------------------------------------------------------
# tool CRATE COMMAND VERSION MINUTES [cargo install flags…]
tool() {
  local name=$1 command=$2 version=$3 minutes=$4 had
  shift 4
  had=$("$SWELL_TOOLS/bin/$command" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1 || true)
  [ "$had" = "$version" ] && return 0
  if have cargo-binstall && cargo binstall -y -q --root "$SWELL_TOOLS" "$name@$version" >/dev/null 2>&1; then
    say "Installed $name $version"
    return 0
  fi
  say "Building $name $version from source (about $minutes minutes on two cores, once)"
  # A debug build without debug information: these tools only drive others, so that their own
  # speed does not matter, and it takes a third of the time.
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$SWELL_TOOLS/target" \
    cargo install -q --debug --root "$SWELL_TOOLS" "$name@$version" "$@" \
    || die "could not build $name $version: see the compiler's message above"
}
tool wasm-bindgen-cli wasm-bindgen "$WASM_BINDGEN_VERSION" 3
tool cargo-leptos cargo-leptos "$CARGO_LEPTOS_VERSION" 11 --locked --no-default-features --features no_downloads

# --- wasm-opt ---------------------------------------------------------------------------------
if [ "$(node -p "require('$SWELL_TOOLS/node_modules/binaryen/package.json').version" 2>/dev/null)" != "$BINARYEN_VERSION" ]; then
  say "Installing wasm-opt (npm package binaryen $BINARYEN_VERSION)"
  npm install --silent --no-fund --no-audit --prefix "$SWELL_TOOLS" "binaryen@$BINARYEN_VERSION" >/dev/null \
    || die "npm could not install binaryen $BINARYEN_VERSION"
fi

# --- Postgres' programs (Swell runs its own private cluster with them) --------------------------
postgres_found() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null \
  || compgen -G '/opt/homebrew/opt/postgresql*/bin/initdb' >/dev/null || compgen -G '/usr/local/opt/postgresql*/bin/initdb' >/dev/null; }
postgres_found || { say "Installing Postgres"; apt_install postgresql || { have brew && brew install -q postgresql@17; } \
  || die "no Postgres programs (initdb, postgres): install PostgreSQL 14 or newer"; }

# --- what only the tests need -------------------------------------------------------------------
if [ "${1:-}" = test ]; then
  tool cargo-deny cargo-deny "$CARGO_DENY_VERSION" 6 --locked
  tool cargo-machete cargo-machete "$CARGO_MACHETE_VERSION" 1 --locked
  if [ ! -e "$ROOT/end2end/node_modules/.package-lock.json" ] \
    || [ "$ROOT/end2end/package-lock.json" -nt "$ROOT/end2end/node_modules/.package-lock.json" ]; then
    say "Installing Playwright (npm)"
    (cd "$ROOT/end2end" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-fund --no-audit) || die "npm ci failed in end2end"
  fi
  have chromium || have google-chrome || [ -n "${SWELL_CHROMIUM:-}" ] || { say "Installing Chromium"; apt_install chromium \
    || die "no Chromium: install it, or name one in SWELL_CHROMIUM"; }
fi
