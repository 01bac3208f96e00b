# Sourced: a private Postgres for tests and checks, on a Unix socket only, thrown away afterwards.
# shellcheck shell=bash
#   postgres_start DIR      sets POSTGRES_URL (a database "swell") and POSTGRES_DSN
#   postgres_psql ARGS…     psql in that database
#   postgres_stop

postgres_bin() { # postgres_bin NAME : the program's path, newest version first
  local dir
  for dir in $(compgen -G '/usr/lib/postgresql/*/bin' | sort -Vr) /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    [ -x "$dir/$1" ] && { echo "$dir/$1"; return 0; }
  done
  command -v "$1"
}

# Postgres refuses to run as root: a root shell runs it as another user.
postgres_as() {
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  local user=nobody
  id postgres >/dev/null 2>&1 && user=postgres
  setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- env HOME=/tmp "$@"
}

postgres_start() {
  POSTGRES_DIR=$1
  chmod 755 "$POSTGRES_DIR"
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 && chown postgres "$POSTGRES_DIR" || chown nobody "$POSTGRES_DIR"
  fi
  postgres_as "$(postgres_bin initdb)" -D "$POSTGRES_DIR/data" -U swell -A trust -E UTF8 --locale=C --no-sync >/dev/null
  # Thrown away afterwards: durability would only cost time.
  postgres_as "$(postgres_bin pg_ctl)" -D "$POSTGRES_DIR/data" -l "$POSTGRES_DIR/log" -w start \
    -o "-k $POSTGRES_DIR -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300" >/dev/null
  POSTGRES_DSN="host=$POSTGRES_DIR user=swell dbname=swell"
  POSTGRES_URL="postgres://swell@localhost/swell?host=$POSTGRES_DIR"
  "$(postgres_bin createdb)" -h "$POSTGRES_DIR" -U swell swell
}

postgres_psql() { "$(postgres_bin psql)" "$POSTGRES_DSN" "$@"; }

postgres_stop() {
  postgres_as "$(postgres_bin pg_ctl)" -D "$POSTGRES_DIR/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$POSTGRES_DIR"
}
