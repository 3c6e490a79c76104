#!/bin/sh
# Makes deploy/secrets: passwords at random, the providers' keys from AEROAPI_KEY and STRIPE_API_KEY or
# asked for, the optional ones from the variable of their name or none. What is there already is kept: running it twice changes nothing.
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
keep auth_secret "$(random)"
keep database_url "postgres://groundstop:$(cat postgres_password)@postgres:5432/groundstop"
ask aeroapi_key "${AEROAPI_KEY:-}" 'AeroAPI key'
# Optional, with an empty file: one source decides, no webhook is taken, a channel is not used.
keep aviationstack_key "${AVIATIONSTACK_KEY:-}"
keep stripe_webhook_secret "${STRIPE_WEBHOOK_SECRET:-}"
keep smtp_url "${SMTP_URL:-}"
keep vapid_private_key "${VAPID_PRIVATE_KEY:-}"
keep twilio_auth_token "${TWILIO_AUTH_TOKEN:-}"
keep slack_webhook_url "${SLACK_WEBHOOK_URL:-}"
keep notify_webhook_url "${NOTIFY_WEBHOOK_URL:-}"
keep notify_webhook_secret "${NOTIFY_WEBHOOK_SECRET:-}"
keep otlp_headers "${OTEL_EXPORTER_OTLP_HEADERS:-}"
ask stripe_api_key "${STRIPE_API_KEY:-}" 'Stripe secret key'
echo "secrets are in $(pwd)" >&2
