# Sourced by every script: where the tools live and which toolchain builds. Installs nothing.
# shellcheck shell=bash

# Tools that Swell needs at exact versions live in a folder of their own, so that setup never
# replaces what the user has installed for other projects, and every checkout shares one copy.
SWELL_TOOLS="${SWELL_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/swell/tools}"

RUST_VERSION=1.96.0 # the oldest that builds everything here
CARGO_LEPTOS_VERSION=0.3.11
CARGO_DENY_VERSION=0.20.2
CARGO_MACHETE_VERSION=0.9.2
BINARYEN_VERSION=132.0.0
# wasm-bindgen's command must be of exactly the version of the library in the lock file.
WASM_BINDGEN_VERSION=$(sed -n 's/^wasm-bindgen = "=\([0-9.]*\)"$/\1/p' "$ROOT/Cargo.toml")

# Setup leaves one of two marks: a rustup toolchain's name, or links to the distribution's Rust.
export PATH="$SWELL_TOOLS/rust/bin:$SWELL_TOOLS/bin:$SWELL_TOOLS/node_modules/.bin:$HOME/.cargo/bin:$PATH"
if [ -x "$SWELL_TOOLS/rust/bin/cargo" ]; then
  unset RUSTUP_TOOLCHAIN
elif [ -r "$SWELL_TOOLS/rustup-toolchain" ]; then
  RUSTUP_TOOLCHAIN=$(cat "$SWELL_TOOLS/rustup-toolchain") && export RUSTUP_TOOLCHAIN
fi
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf '\033[1;31mswell: %s\033[0m\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
