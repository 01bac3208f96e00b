#!/usr/bin/env bash
# Swell's one front door. Everything it installs goes to a folder of its own; see scripts/setup.sh.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$ROOT"
# shellcheck source=scripts/env.sh
. scripts/env.sh

usage() {
  cat <<'USAGE'
usage: ./swell.sh COMMAND

  run [FLAGS]   install what is missing, build, and start Swell on http://127.0.0.1:3847
                over a Postgres of its own (flags go to the server; `run --help` lists them)
  test          every test: rules, engine, REST, sockets, browser; and the checks that CI makes
  setup         install what is missing, and nothing else
  dev           rebuild and reload while you edit
  bench         measure a running release build beside the ceiling of the same SQL
USAGE
}

command=${1:-}
[ $# -gt 0 ] && shift
case "$command" in
  run)
    scripts/setup.sh
    . scripts/env.sh
    say "Building (5 to 15 minutes the first time, seconds after)"
    scripts/build.sh
    exec target/release/swell serve "$@"
    ;;
  test)
    scripts/setup.sh test
    exec scripts/test.sh "$@"
    ;;
  setup) exec scripts/setup.sh "$@" ;;
  dev)
    scripts/setup.sh
    . scripts/env.sh
    exec cargo leptos watch --split "$@"
    ;;
  bench)
    scripts/setup.sh
    exec scripts/bench.sh "$@"
    ;;
  "" | help | -h | --help) usage ;;
  *) usage >&2; die "there is no command '$command'" ;;
esac
