#!/bin/sh
# After `sh deploy/init-env.sh demo` and `docker compose up`: subscribes a user to the sandbox and sends this user the
# example of the documentation. It may be repeated, and needs curl.
set -eu
cd "$(dirname "$0")/.."

value_of() { sed -n "s/^$1=//p" .env; }

call() {
  curl --silent --show-error --fail-with-body --request "$1" "http://127.0.0.1:$(value_of PNS_API_PORT)$2" \
    --header "Authorization: Bearer $(value_of PNS_BOOTSTRAP_API_KEY)" --header 'Content-Type: application/json' \
    --data "$3"
  echo
}

call PUT /v1/contexts/1/users/14 '{"primaryEmail":"john@example.com"}'
call POST /v1/subscriptions '{"context":1,"user":14,"client":"sandbox","transport":"webhook","topics":["*"]}'
call POST /v1/notifications @- <<'EXAMPLE'
{"context":1,"user":14,"topic":"ox:mail:new",
 "payload":{"folder":"default0/INBOX","id":"113","email":"jane.doe@example.com","displayname":"Jane Doe",
            "subject":"Let's meet","unread":83,"teaser":"Hello"}}
EXAMPLE
echo "It arrives at http://127.0.0.1:$(value_of PNS_SANDBOX_PORT) about a second later."
