/**
 * The environment variables that the product reads: one zod schema each. A message says what the
 * value may be; `config.ts` puts the variable's name before it.
 */
import { z } from 'zod'

import { JOB_FIELDS } from './jobs.ts'
import { NOTIFY_FIELDS } from './notify.ts'
import { TRACING_FIELDS } from './tracing.ts'

/** A whole number within a range, both ends included. */
function integer(min: number, max: number, unit = '') {
  const range = `must be a whole number from ${min} to ${max}${unit === '' ? '' : ` ${unit}`}`
  return z
    .string()
    .regex(/^-?\d{1,15}$/, range)
    .transform(Number)
    .refine((value) => value >= min && value <= max, range)
}

/** A number within a range, both ends included. */
function decimal(min: number, max: number, unit = '') {
  const range = `must be a number from ${min} to ${max}${unit === '' ? '' : ` ${unit}`}`
  return z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?$/, range)
    .transform(Number)
    .refine((value) => value >= min && value <= max, range)
}

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, `must be one of ${values.join(', ')}`)
}

function url(protocols: readonly string[]) {
  const wish = `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`
  return z.string().refine((text) => {
    const parsed = URL.parse(text)
    return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== ''
  }, wish)
}

const HOST = z.string().regex(/^[A-Za-z0-9:._-]{1,253}$/, 'must be a host name or an IP address')

// Port 0 asks the system for any free one.
const PORT = integer(0, 65_535)

const TEXT = (max: number) => z.string().min(1).max(max, `must have at most ${max} characters`)

/** Origins of pages, as browsers send them. */
const ORIGINS = z
  .string()
  .max(2_000, 'must have at most 2000 characters')
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine(
    (origins) => origins.every((one) => URL.parse(one)?.origin === one),
    'must be origins with commas between, as http://127.0.0.1:8233',
  )

/** The endpoint's secret and, while it is rolled, the one before: Stripe signs with both until then. */
const WEBHOOK_SECRETS = z
  .string()
  .max(512, 'must have at most 512 characters')
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine(
    (secrets) => secrets.length <= 2 && secrets.every((one) => one !== ''),
    'must be one secret, or two with a comma between',
  )

/** Names of ranges that proxy-addr, and so Express, knows. */
const NAMED_RANGES: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']

/** Addresses and ranges of proxies. Never all: whoever asks could say to be anybody. */
const PROXIES = z
  .string()
  .max(2_000, 'must have at most 2000 characters')
  .transform((text) => text.split(',').map((one) => one.trim()))
  .refine(
    (ranges) => ranges.every((one) => NAMED_RANGES.includes(one) || isRange(one)),
    'must be addresses or ranges with commas between, as 10.0.0.0/8,loopback',
  )

const RANGE = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])

function isRange(text: string): boolean {
  return RANGE.safeParse(text).success && !text.endsWith('/0')
}

const INSTANT = z
  .string()
  .refine(
    (text) => /(Z|[+-]\d{2}:?\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)),
    'must be an instant with an offset, as 2013-02-08T12:00:00Z',
  )
  .transform((text) => new Date(text).toISOString())

/** Every variable with what it may be. A variable that is missing or empty takes its default. */
export const FIELDS = {
  GROUNDSTOP_ENV: oneOf(['development', 'staging', 'production']),
  GROUNDSTOP_HOME: TEXT(4_096),
  REPORTS_DIR: TEXT(4_096),
  AUDIT_ARCHIVE_DIR: TEXT(4_096),
  AUDIT_ANCHOR_DIR: TEXT(4_096),
  ...JOB_FIELDS,
  MAX_CONCURRENT_JOBS: integer(1, 200, 'steps at once'),
  TASK_EXECUTOR_CONCURRENCY: integer(1, 200, 'steps at once'),
  PRIVACY_EXPORTS_DIR: TEXT(4_096),
  DATABASE_URL: url(['postgres:', 'postgresql:']),
  DATABASE_POOL_MAX: integer(1, 1_000, 'connections'),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[A-Za-z0-9.\-[\]:]{1,253}:\d{1,5}$/, 'must be host:port, as 127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z
    .string()
    .regex(/^[A-Za-z0-9._-]{2,64}$/, 'must be 2 to 64 letters, digits, dots, _ or -'),
  AEROAPI_URL: url(['http:', 'https:']),
  AEROAPI_KEY: TEXT(512),
  AEROAPI_RATE_PER_S: decimal(0.01, 100_000, 'requests per second'),
  AEROAPI_CONCURRENCY: integer(1, 1_000, 'requests at once'),
  AEROAPI_BUDGET_PER_DAY: integer(1, 1_000_000_000, 'result sets'),
  AEROAPI_BUDGET_PER_MONTH: integer(1, 1_000_000_000, 'result sets'),
  AEROAPI_BUDGET_RESERVE_PERCENT: integer(0, 100, 'per cent of the budget'),
  AVIATIONSTACK_URL: url(['http:', 'https:']),
  AVIATIONSTACK_KEY: TEXT(512),
  AVIATIONSTACK_RATE_PER_S: decimal(0.01, 100_000, 'requests per second'),
  AVIATIONSTACK_CONCURRENCY: integer(1, 1_000, 'requests at once'),
  AVIATIONSTACK_BUDGET_PER_DAY: integer(1, 1_000_000_000, 'requests'),
  AVIATIONSTACK_BUDGET_PER_MONTH: integer(1, 1_000_000_000, 'requests'),
  AVIATIONSTACK_BUDGET_RESERVE_PERCENT: integer(0, 100, 'per cent of the budget'),
  STRIPE_API_URL: url(['http:', 'https:']),
  STRIPE_API_KEY: TEXT(512),
  STRIPE_CONCURRENCY: integer(1, 1_000, 'requests at once'),
  STRIPE_PAYOUT_METHOD: oneOf(['transfer', 'payout']),
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRETS,
  API_HOST: HOST,
  API_PORT: PORT,
  API_TOKEN: z
    .string()
    .min(16, 'must have at least 16 characters')
    .max(512, 'must have at most 512 characters'),
  API_TOKENS_FILE: TEXT(4_096),
  API_PUBLIC_URL: url(['http:', 'https:']),
  API_TRUSTED_PROXIES: PROXIES,
  AUTH_SECRET: z
    .string()
    .min(32, 'must have at least 32 characters')
    .max(512, 'must have at most 512 characters'),
  KMS_KEY_ID: z
    .string()
    .regex(
      /^aws-kms:[A-Za-z0-9:/_-]{1,2048}$/,
      'must be aws-kms: and the id, ARN or alias of a key, as aws-kms:alias/groundstop',
    ),
  PAYLOAD_KEYS_FILE: TEXT(4_096),
  PAYLOAD_KEYS: TEXT(65_536),
  CODEC_ORIGINS: ORIGINS,
  METRICS_HOST: HOST,
  METRICS_PORT: PORT,
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  LOG_FORMAT: oneOf(['json', 'text']),
  LOG_FILE: TEXT(4_096),
  CLOCK_START: INSTANT,
  CLOCK_SPEED: decimal(0, 100_000, 'virtual seconds per second'),
  UNDERWRITING_CAPACITY_MINOR: integer(1, 999_999_999_999_999, 'minor units per currency'),
  WORKER_SHUTDOWN_GRACE_MS: integer(1, 600_000, 'ms'),
  POSTGRES_PORT: PORT,
  TEMPORAL_PORT: PORT,
  TEMPORAL_UI_PORT: PORT,
  FLIGHTS_PORT: PORT,
  PAYMENTS_PORT: PORT,
  MAIL_SMTP_PORT: PORT,
  MAIL_PORT: PORT,
  ...NOTIFY_FIELDS,
  ...TRACING_FIELDS,
} as const
