# shellcheck shell=bash
# The API with curl and nothing else: to be sourced, with BASE_URL, USER_NAME and PASSWORD set.
#
#   call POST /repositories/file/file/ '{"name": "mine"}' | field pulp_href
#   call POST "${repository}sync/" "{\"remote\": \"$remote\"}" | finish

# call METHOD PATH [JSON]: the answer. PATH is below the API's root, or an href.
call() {
  local url=$BASE_URL/pulp/api/v3$2
  case $2 in /pulp/*) url=$BASE_URL$2 ;; esac
  local arguments=(--silent --show-error --fail-with-body --request "$1")
  [ $# -lt 3 ] || arguments+=(--header 'Content-Type: application/json' --data "$3")
  local answer
  # The password comes on stdin, since everybody can read a command line.
  answer=$(printf 'user = "%s:%s"\n' "$USER_NAME" "$PASSWORD" | curl --config - "${arguments[@]}" "$url") || {
    echo "$1 $url: $answer" >&2
    return 1
  }
  printf '%s\n' "$answer"
}

# field NAME: the text of the first field with that name in the document on stdin.
field() {
  tr -d '\n' | grep -o "\"$1\" *: *\"[^\"]*\"" | sed -n '1s/.*: *"\(.*\)"/\1/p'
}

# finish: waits for the task that the document on stdin names, and prints it when it is over.
finish() {
  local task state
  task=$(field task)
  while true; do
    # Alone, since reports of progress have states of their own.
    state=$(call GET "$task?fields=state" | field state)
    case $state in
      completed)
        call GET "$task"
        return
        ;;
      failed | canceled)
        echo "the task ended as $state: $(call GET "$task")" >&2
        return 1
        ;;
    esac
    sleep 0.1
  done
}

# find KIND NAME: the href of the resource with that name, or nothing.
find_href() {
  call GET "$1?name=$2" | field pulp_href || true
}
