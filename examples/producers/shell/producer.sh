#!/bin/sh
# Sends notifications to PNS: sh producer.sh < notifications.ndjson. Needs curl.
set -eu

url=${PNS_URL:-http://localhost:3000}/v1/notifications
attempts=12
# Faults of the service, not of the notification.
temporary='RATE_LIMITED|OVERLOADED|REDIS_UNREACHABLE|STOPPING'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accepted=0 duplicates=0 refused=0

# The key is not an argument of curl, because other users of the machine can read arguments.
(umask 077 && printf 'Authorization: Bearer %s\n' "$PNS_KEY" > "$work/authorization")

# Posts the lines of a file. Prints the status of the answer; 000 if there is none.
post() {
  : > "$work/answer"
  curl -sS -m 60 -o "$work/answer" -D "$work/headers" -w '%{http_code}' -H "@$work/authorization" \
    -H 'Content-Type: application/x-ndjson' --data-binary "@$1" "$url" || true
}

# The server's delay, else a random delay that doubles after each attempt, so that producers do not all return at once.
delay() {
  seconds=$(tr -d '\r' < "$work/headers" | sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\)$/\1/p')
  awk -v given="$seconds" -v attempt="$1" -v seed="$$$1" 'BEGIN {
    srand(seed); seconds = 2 ^ attempt; if (seconds > 60) seconds = 60
    print given == "" ? seconds * (0.5 + rand() / 2) : given
  }'
}

# Removes the lines that have a result from the file.
keep_without_result() {
  # Both lists of the answer have lines such as: "index":7,"id":"ticket-4711" and "index":8,"code":"PAYLOAD_INVALID"
  results=$(grep -oE '"index":[0-9]+,("user":[0-9]+,)?"(id|code)":"[^"]*"' "$work/answer" | grep -vE "\"code\":\"($temporary)\"" || true)
  printf '%s\n' "$results" | sed -n 's/^"index":\([0-9]*\),.*/\1/p' > "$work/indices"
  awk 'FILENAME == ARGV[1] { done[$1 + 1] = 1; next } !(FNR in done)' "$work/indices" "$1" > "$work/left"
  mv "$work/left" "$1"
}

count() { grep -oE "$1" "$work/answer" | wc -l; }

send() {
  attempt=0
  while [ -s "$1" ]; do
    [ "$attempt" -lt "$attempts" ] || { echo "$(wc -l < "$1") notifications were not sent; start again with the same lines." >&2; exit 1; }
    : > "$work/headers"
    status=$(post "$1")
    case $status in
      202 | 207)
        accepted=$((accepted + $(count '"status":"accepted"')))
        duplicates=$((duplicates + $(count '"status":"duplicate"')))
        faults=$(grep -oE '"index":[0-9]+,("user":[0-9]+,)?"code":"[^}]*' "$work/answer" | grep -vE "\"code\":\"($temporary)\"" || true)
        if [ -n "$faults" ]; then
          printf '%s\n' "$faults" >&2
          refused=$((refused + $(printf '%s\n' "$faults" | wc -l)))
        fi
        if [ "$status" = 202 ]; then : > "$1"; else keep_without_result "$1"; fi
        ;;
      000 | 429 | 5??) ;; # the lines did not arrive, or it is unknown whether they arrived
      *)
        cat "$work/answer" >&2
        refused=$((refused + $(grep -c '' "$1")))
        : > "$1"
        ;;
    esac
    [ ! -s "$1" ] || sleep "$(delay "$attempt")"
    attempt=$((attempt + 1))
  done
}

grep -v '^[[:space:]]*$' > "$work/all" || true
# An id that is generated here would differ after a restart, so that the notification would be sent twice. This check
# also accepts a line that has an id only in its payload.
if grep -vqE '"id" *: *"' "$work/all"; then
  echo 'Each notification needs the id of its event.' >&2
  exit 1
fi
split -l 500 -a 4 "$work/all" "$work/batch."
for batch in "$work"/batch.*; do [ ! -e "$batch" ] || send "$batch"; done
echo "$accepted accepted, $duplicates duplicates, $refused refused"
[ "$refused" -eq 0 ]
