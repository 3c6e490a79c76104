#!/bin/sh
# Reads settings that are given as files (NAME_FILE=/run/secrets/name), then becomes the command.
set -eu
for name in DATABASE_URL AEROAPI_KEY AVIATIONSTACK_KEY STRIPE_API_KEY STRIPE_WEBHOOK_SECRET API_TOKEN AUTH_SECRET \
  SMTP_URL VAPID_PRIVATE_KEY TWILIO_AUTH_TOKEN SLACK_WEBHOOK_URL NOTIFY_WEBHOOK_URL NOTIFY_WEBHOOK_SECRET \
  OTEL_EXPORTER_OTLP_HEADERS; do
  eval "file=\${${name}_FILE:-}"
  if [ -n "$file" ]; then
    [ -r "$file" ] || { echo "groundstop: ${name}_FILE: cannot read $file" >&2; exit 78; }
    value=$(cat "$file")
    export "$name=$value"
    unset "${name}_FILE"
  fi
done
unset file value name
exec "$@"
