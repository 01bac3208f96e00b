#!/usr/bin/env bash
# The compile-time checked SQL: what the compiler needs to know of the schema is kept in .sqlx.
#   scripts/sqlx.sh prepare   renew .sqlx after a change of SQL or of migrations
#   scripts/sqlx.sh check     fail when .sqlx is not what the code and the migrations say
# Starts a private Postgres of its own; needs no sqlx command.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/env.sh
. "$ROOT/scripts/env.sh"
# shellcheck source=scripts/postgres.sh
. "$ROOT/scripts/postgres.sh"
cd "$ROOT"

fresh=$(mktemp -d)
postgres_start "$(mktemp -d)"
trap 'postgres_stop; rm -rf "$fresh"' EXIT
for file in migrations/*.sql; do
  postgres_psql -q -v ON_ERROR_STOP=1 -f "$file" >/dev/null
done

# The macros ask the database and write what they learn to this folder, when they are expanded.
touch server/engine/src/lib.rs
env -u SQLX_OFFLINE SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$fresh" DATABASE_URL="$POSTGRES_URL" \
  cargo check -q -p engine || die "the SQL does not fit the schema: see the compiler's message above"

case "${1:-}" in
  prepare)
    rm -rf .sqlx && mkdir .sqlx && cp "$fresh"/query-*.json .sqlx/
    say "$(find .sqlx -name 'query-*.json' | wc -l) statements written to .sqlx"
    ;;
  check)
    diff -r "$fresh" .sqlx >/dev/null || die ".sqlx is out of date: run scripts/sqlx.sh prepare and commit it"
    say ".sqlx is up to date"
    ;;
  *) die "usage: scripts/sqlx.sh prepare | check" ;;
esac
