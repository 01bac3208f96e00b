#!/usr/bin/env bash
# Builds the release server and the site, and says how large the site is.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=scripts/env.sh
. scripts/env.sh

cargo leptos build --release --precompress --split
size() { stat -c %s "$1" 2>/dev/null || stat -f %z "$1"; }
# What every page needs, and the parts that come with the first page that needs them (app/src/split.rs).
MOST=350000
first=0 parts=0
for file in target/site/pkg/*.wasm target/site/pkg/*.js target/site/pkg/*.css; do
  [ -e "$file.br" ] || continue
  name=${file#target/site/pkg/} bytes=$(size "$file.br")
  case "$name" in
  chunk_*) parts=$((parts + bytes)) ;;
  split_*) printf '  %-44s %7d bytes, %6d with brotli\n' "${name%%_[0-9]*}" "$(size "$file")" "$bytes" ;;
  *) printf '  %-44s %7d bytes, %6d with brotli\n' "$name" "$(size "$file")" "$bytes" ;;
  esac
  case "$name" in chunk_* | split_* | *.css) ;; *) first=$((first + bytes)) ;; esac
done
printf '  %-44s %22d with brotli\n' "what several of these parts share" "$parts"
printf '  JS + WASM on first load of the list or a session: %d bytes with brotli, at most %d\n' "$first" "$MOST"
[ "$first" -le "$MOST" ] || die "the first load is over its budget"
