#!/usr/bin/env bash
# A PostgreSQL of its own for one run of the tests, in a temporary folder.
#
#   eval "$(tests/postgres.sh up)"     # sets PITH_TEST_POSTGRES and PITH_TEST_POSTGRES_FOLDER
#   tests/postgres.sh down "$PITH_TEST_POSTGRES_FOLDER"
#
# initdb refuses root, so root runs it as the user `postgres`, which Debian's package makes.
set -euo pipefail

fail() {
  echo "postgres.sh: $*" >&2
  exit 1
}

# The folder of initdb and pg_ctl, which Debian does not put on the path.
programs() {
  local candidate
  if candidate=$(command -v initdb) && command -v pg_ctl >/dev/null; then
    dirname "$candidate"
    return
  fi
  candidate=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort --version-sort | tail -n 1)
  if [ -n "$candidate" ]; then
    dirname "$candidate"
    return
  fi
  fail "PostgreSQL's initdb is missing; on Debian: apt-get install postgresql"
}

# Runs a command as somebody who is not root, in a folder that this somebody can enter.
unprivileged() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  elif command -v setpriv >/dev/null; then
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  else
    runuser -u postgres -- "$@"
  fi
}

# TMPDIR may be a folder that only the caller can enter.
enterable_folder() {
  local place folder
  for place in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
    folder=$(mktemp -d "$place/pith-postgres.XXXXXX") || continue
    if [ "$(id -u)" -eq 0 ]; then
      chown postgres: "$folder"
    fi
    if unprivileged test -w "$folder" 2>/dev/null; then
      echo "$folder"
      return
    fi
    rmdir "$folder"
  done
  fail "there is no temporary folder that the user postgres can enter"
}

up() {
  local bin folder password port attempt
  bin=$(programs)
  if [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; then
    fail "the user postgres is missing; on Debian: apt-get install postgresql"
  fi
  folder=$(enterable_folder)
  cd "$folder"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  (umask 077 && printf '%s' "$password" >"$folder/password")
  [ "$(id -u)" -ne 0 ] || chown postgres: "$folder/password"
  unprivileged "$bin/initdb" --pgdata="$folder/data" --username=pith --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 ||
    fail "initdb failed: $(tail -n 3 "$folder/initdb.log")"
  # Nothing here outlives the run, so nothing has to survive a crash of the machine.
  unprivileged tee -a "$folder/data/postgresql.conf" >/dev/null <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 4GB
SETTINGS
  for attempt in 1 2 3 4 5; do
    port=$((RANDOM % 20000 + 20000))
    if unprivileged "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/server.log" --wait --silent \
      --options="-p $port" start >/dev/null 2>&1; then
      echo "export PITH_TEST_POSTGRES='postgres://pith:$password@127.0.0.1:$port'"
      echo "export PITH_TEST_POSTGRES_FOLDER='$folder'"
      return
    fi
    [ "$attempt" -lt 5 ] || fail "PostgreSQL does not start: $(tail -n 3 "$folder/server.log")"
  done
}

# Anything else than a folder of ours is left alone.
down() {
  local folder=$1 bin
  case ${folder##*/} in
    pith-postgres.??????) ;;
    *) fail "$folder is not a folder that this script made" ;;
  esac
  [ -d "$folder" ] || return 0
  bin=$(programs)
  cd "$folder"
  unprivileged "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --wait --silent stop >/dev/null 2>&1 || true
  cd /
  rm -rf "$folder"
}

case ${1:-} in
  up) up ;;
  down) down "${2:?usage: postgres.sh down FOLDER}" ;;
  *) fail "usage: postgres.sh up | postgres.sh down FOLDER" ;;
esac
