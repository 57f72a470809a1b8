#!/usr/bin/env bash
# The rules of the house that no other tool knows: how long, what it is called, how it begins.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
longest=600
status=0

complain() {
  echo "$*" >&2
  status=1
}

while IFS= read -r file; do
  [ -f "$file" ] || continue
  lines=$(wc -l <"$file")
  [ "$lines" -le $longest ] || complain "$file: $lines lines; a file has at most $longest"
  case ${file##*/} in
    mod.rs | util.rs | utils.rs | helper.rs | helpers.rs | common.rs | misc.rs)
      complain "$file: a file is called after what it holds"
      ;;
  esac
  case $file in
    *.rs)
      [ "$(head -c 4 "$file")" = '//! ' ] || complain "$file: the first line says what lives here, after //!"
      ;;
  esac
done < <(git ls-files --cached --others --exclude-standard -- '*.rs' '*.wit' '*.sh' '*.py' '*.js')

# Reasoned with `expect`, which complains when the reason is gone.
if found=$(git grep --untracked -nE '#!?\[allow\(' -- '*.rs'); then
  complain "allow() where expect() would do:"$'\n'"$found"
fi
# Examples in comments may leave out what does not matter to them.
if found=$(git grep --untracked -nIE 'todo!\(|unimplemented!\(|dbg!\(|FIXME' -- '*.rs' | grep -vE '^[^:]*:[0-9]+: *//'); then
  complain "unfinished:"$'\n'"$found"
fi
exit $status
