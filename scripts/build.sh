#!/usr/bin/env bash
# Builds the release server and the site, and says how large the site is.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=scripts/env.sh
. scripts/env.sh

cargo leptos build --release --precompress
size() { stat -c %s "$1" 2>/dev/null || stat -f %z "$1"; }
total=0
for file in target/site/pkg/*.wasm target/site/pkg/*.js target/site/pkg/*.css; do
  [ -e "$file.br" ] || continue
  printf '  %-44s %7d bytes, %6d with brotli\n' "${file#target/site/}" "$(size "$file")" "$(size "$file.br")"
  case "$file" in *.css) ;; *) total=$((total + $(size "$file.br"))) ;; esac
done
printf '  JS + WASM on first load: %d bytes with brotli\n' "$total"
