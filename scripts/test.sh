#!/usr/bin/env bash
# Every test and check, fast ones first. Starts its own Postgres and its own servers on free ports,
# and stops them by process id.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=scripts/env.sh
. scripts/env.sh
# shellcheck source=scripts/postgres.sh
. scripts/postgres.sh

step() { printf '\n\033[1m== %s (%s)\033[0m\n' "$1" "$(date +%H:%M:%S)"; }

step "Format"
cargo fmt --all --check
step "Dependencies: licences, sources, unused"
cargo fetch -q --locked # deny reads every crate of the lock file, those of other systems too
cargo deny --offline check bans licenses sources 2>&1 | tail -n 5
cargo machete >/dev/null || die "unused dependencies: run cargo machete"
step "SQL fits the schema"
scripts/sqlx.sh check
step "Lints"
cargo clippy -q --all-targets -- -D warnings
cargo clippy -q -p frontend --target wasm32-unknown-unknown -- -D warnings

postgres_start "$(mktemp -d)"
trap postgres_stop EXIT
export DATABASE_URL="$POSTGRES_URL"
step "Rules, engine, REST and socket tests"
cargo test -q --workspace --exclude frontend

step "Release build of the server and the site"
scripts/build.sh
step "Browser tests"
(cd end2end && npx playwright test "$@")
say "All tests passed."
