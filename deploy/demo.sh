#!/bin/sh
# Run it after `sh deploy/init-env.sh demo` and `docker compose up`. It subscribes a user with a webhook, an iPhone, an Android
# phone, a Windows desktop and a browser of the sandbox. Then it sends this user the example of the documentation. It may be
# repeated, and needs curl.
set -eu
cd "$(dirname "$0")/.."

value_of() { sed -n "s/^$1=//p" .env; }

call() {
  curl --silent --show-error --fail-with-body --request "$1" "http://127.0.0.1:$2" \
    --header "Authorization: Bearer $3" --header 'Content-Type: application/json' --data "$4"
  echo
}

api=$(value_of PNS_API_PORT)
sandbox=$(value_of PNS_SANDBOX_PORT)
key=$(value_of PNS_BOOTSTRAP_API_KEY)

call PUT "$api/v1/contexts/1/users/14" "$key" '{"primaryEmail":"john@example.com"}'
# The sandbox makes the credentials of its providers at each start, so it sets them and subscribes the devices itself.
call POST "$sandbox/demo/notification" '' '{}'
echo "It arrives at http://127.0.0.1:$sandbox about a second later. A Web Socket is open while that page is."
