#!/usr/bin/env bash
# Measures a release build over a cluster of its own with fsync on, and beside it the ceiling: the
# same SQL through pgbench, in a second database of the same cluster.
#   ./swell.sh bench [FLAGS OF swell-load…]     for example: --seconds 10 --only patch_spread,get_10
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=scripts/env.sh
. scripts/env.sh
# shellcheck source=scripts/postgres.sh
. scripts/postgres.sh
[ -x "$(postgres_bin pgbench)" ] || die "no pgbench: install PostgreSQL's client programs"

say "Building the release server and the load tool (minutes the first time)"
# One after the other, so that the server is the one that `run` builds.
cargo build -q --release -p swell --bin swell --no-default-features
cargo build -q --release -p swell-load
data=$(mktemp -d)
chmod 755 "$data"
port=${SWELL_BENCH_PORT:-$((20000 + RANDOM % 20000))}
SWELL_LISTEN=127.0.0.1:$port SWELL_DATA_DIR="$data" SWELL_LOG=warn target/release/swell serve >/dev/null &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 600); do
  curl -fs -o /dev/null "http://127.0.0.1:$port/health/ready" && break
  kill -0 $server 2>/dev/null || die "the server did not start"
  sleep 0.1
done

POSTGRES_DSN="host=$data/run user=swell dbname=ceiling"
"$(postgres_bin createdb)" -h "$data/run" -U swell ceiling
for file in migrations/*.sql; do postgres_psql -q -v ON_ERROR_STOP=1 -f "$file" >/dev/null; done
target/release/swell-load --url "http://127.0.0.1:$port" --pgbench-dsn "$POSTGRES_DSN" "$@"

# Proportional set sizes: what several processes share is counted once.
memory() { # memory PID… : their sum in MB
  local files=() pid
  for pid in "$@"; do files+=("/proc/$pid/smaps_rollup"); done
  cat "${files[@]}" 2>/dev/null | awk '/^Pss:/ { sum += $2 } END { printf "%.0f MB", sum / 1024 }'
}
cluster=$(head -1 "$data/postgres/postmaster.pid")
mapfile -t backends < <(pgrep -P "$cluster")
say "Memory after the run: swell $(memory $server), Postgres $(memory "$cluster" "${backends[@]}")"
