#!/bin/sh
# Makes deploy/secrets: passwords at random, the providers' keys from AEROAPI_KEY and STRIPE_API_KEY or
# asked for, the second source's from AVIATIONSTACK_KEY or none. What is there already is kept: running it twice changes nothing.
set -eu
cd "$(dirname "$0")/secrets"
# Nobody else on the host enters the folder; the files are read by the containers' own users.
chmod 700 .
umask 022

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

keep() { # keep NAME VALUE
  [ -s "$1" ] || printf '%s' "$2" >"$1"
}

ask() { # ask NAME VALUE QUESTION
  [ -s "$1" ] && return 0
  value=$2
  if [ -z "$value" ]; then
    printf '%s: ' "$3" >&2
    read -r value
  fi
  printf '%s' "$value" >"$1"
}

keep postgres_password "$(random)"
keep temporal_postgres_password "$(random)"
keep grafana_password "$(random)"
keep api_token "$(random)"
keep database_url "postgres://groundstop:$(cat postgres_password)@postgres:5432/groundstop"
ask aeroapi_key "${AEROAPI_KEY:-}" 'AeroAPI key'
# Optional: an empty file means that one source decides.
[ -s aviationstack_key ] || printf '%s' "${AVIATIONSTACK_KEY:-}" >aviationstack_key
ask stripe_api_key "${STRIPE_API_KEY:-}" 'Stripe secret key'
echo "secrets are in $(pwd)" >&2
