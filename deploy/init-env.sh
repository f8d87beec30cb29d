#!/bin/sh
# Writes .env with new secrets for docker-compose.yml; does not change an existing one. With the argument "demo" the
# sandbox, which simulates the receiver of a webhook, runs beside PNS: for a trial, not for production.
set -eu
cd "$(dirname "$0")/.."
umask 077
next='docker compose up'

if [ -e .env ]; then
  echo '.env exists already; remove it first if you want new secrets (the database keeps the password of its first start).' >&2
  exit 1
fi

secret() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

sed -e "s/^PNS_POSTGRES_PASSWORD=.*/PNS_POSTGRES_PASSWORD=$(secret)/" \
  -e "s/^PNS_REDIS_PASSWORD=.*/PNS_REDIS_PASSWORD=$(secret)/" \
  -e "s/^PNS_BOOTSTRAP_API_KEY=.*/PNS_BOOTSTRAP_API_KEY=$(secret)/" \
  -e "s/^PNS_SESSION_SECRET=.*/PNS_SESSION_SECRET=$(secret)/" \
  -e "s/^PNS_ENCRYPTION_KEY=.*/PNS_ENCRYPTION_KEY=$(secret)/" .env.example >.env.new
if [ "${1:-}" = demo ]; then
  next='docker compose up, and then: sh deploy/demo.sh'
  sed -i.bak -e 's/^# \(COMPOSE_PROFILES=demo\)/\1/' -e 's/^NODE_ENV=.*/NODE_ENV=development/' \
    -e 's#^PNS_CONFIG_FOLDER=.*#PNS_CONFIG_FOLDER=./deploy/demo-config#' .env.new
  rm .env.new.bak
fi
mv .env.new .env
echo 'Wrote .env. Your API key is its PNS_BOOTSTRAP_API_KEY. Next: '"$next"
