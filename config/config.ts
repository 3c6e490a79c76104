/**
 * Turns the environment into a frozen, checked configuration and the secrets beside it. The only
 * reader of environment variables; a bad one stops the start, all problems told at once.
 */
import type { z } from 'zod'

import { FIELDS } from './fields.ts'
import { isMisspelt } from './misspelling.ts'
import { jobsConfigOf, type JobsConfig } from './jobs.ts'
import {
  NOTIFY_SECRET_VARIABLES,
  notifyConfigOf,
  notifyProblems,
  notifySecretsOf,
  type NotifyConfig,
  type NotifySecrets,
} from './notify.ts'
import { TRACING_SECRET_VARIABLES, tracingConfigOf, type TracingConfig } from './tracing.ts'

const AEROAPI_OFFICIAL_URL = 'https://aeroapi.flightaware.com/aeroapi'
const AVIATIONSTACK_OFFICIAL_URL = 'https://api.aviationstack.com/v1'
const STRIPE_OFFICIAL_URL = 'https://api.stripe.com'
// The entry plan allows 10 result sets a minute, larger ones 5 requests a second and more.
const AEROAPI_OFFICIAL_RATE_PER_S = 5
const AEROAPI_OTHER_RATE_PER_S = 2_000
const RESERVE_PERCENT = 10

/** Where this installation runs; jobs may differ by it. */
export type Environment = 'development' | 'staging' | 'production'

/** How much is logged. */
export type LogLevelName = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * What a key may use of its provider, all processes together: units of a day and a month of wall time in
 * UTC, null without limit, and what decisions may use beyond, per cent of the budget. Variables
 * `<PROVIDER>_BUDGET_PER_DAY`, `_PER_MONTH` (none) and `_RESERVE_PERCENT` (10). Give every process the
 * same; a change holds from its restart.
 */
export type CallBudget = {
  readonly dayBudget: number | null
  readonly monthBudget: number | null
  readonly reservePercent: number
}

/** What may be shown to anybody: no secret is in it. */
export type Config = JobsConfig &
  TracingConfig & {
    /** GROUNDSTOP_ENV. Default development. */
    readonly environment: Environment
    /** GROUNDSTOP_HOME: data, logs and the address file of one instance. Default `.groundstop`. */
    readonly homeDir: string
    /** REPORTS_DIR: where reports are kept for download; default `reports` in the home. Same for all processes. */
    readonly reportsDir: string
    /** PRIVACY_EXPORTS_DIR: where copies of persons' data wait to be fetched; default `privacy` in the home. */
    readonly privacyExportsDir: string
    /** AUDIT_ARCHIVE_DIR: files of old audit events; default `audit-archive` in the home. Same for all workers. */
    readonly auditArchiveDir: string
    /** AUDIT_ANCHOR_DIR: where the audit chain's head is noted; default `audit-anchors` in the home. */
    readonly auditAnchorDir: string
    /** DATABASE_POOL_MAX: connections of one process. Default 10. */
    readonly database: { readonly poolMax: number }
    /** TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE. Default 127.0.0.1:7233, `default`. */
    readonly temporal: { readonly address: string; readonly namespace: string }
    /** AEROAPI_URL, AEROAPI_RATE_PER_S (5 on the official host, else 2,000), AEROAPI_CONCURRENCY (32). */
    readonly aeroapi: {
      readonly url: string
      readonly ratePerS: number
      readonly concurrency: number
    } & CallBudget
    /**
     * The second source: AVIATIONSTACK_URL, AVIATIONSTACK_RATE_PER_S (2 on the official host, else 2,000),
     * AVIATIONSTACK_CONCURRENCY (4). Without AVIATIONSTACK_KEY it is not asked, and one source decides.
     */
    readonly aviationstack: {
      readonly url: string
      readonly ratePerS: number
      readonly concurrency: number
    } & CallBudget
    /**
     * STRIPE_API_URL, STRIPE_CONCURRENCY (32), STRIPE_PAYOUT_METHOD (`transfer`): how new attempts are
     * paid, by a transfer to the payee's account or by a payout of it. Open attempts keep their own.
     */
    readonly stripe: {
      readonly url: string
      readonly concurrency: number
      readonly payoutMethod: 'transfer' | 'payout'
    }
    /**
     * API_HOST, API_PORT. Default 127.0.0.1:3000. Another host than loopback needs API_TOKEN or
     * API_TOKENS_FILE: a JSON list of names, roles and hashes of tokens. API_PUBLIC_URL: where people reach
     * it, for links in mails; without it, where it listens when that is loopback, else no mail is sent.
     * API_TRUSTED_PROXIES: addresses of proxies whose X-Forwarded-For, -Proto and -Host are believed.
     * Default: none, a client is who connects. With any, loopback is not this machine alone: a token is needed.
     */
    readonly api: {
      readonly host: string
      readonly port: number
      readonly tokensFile: string | null
      readonly publicUrl: string | null
      readonly trustedProxies: readonly string[]
    }
    /**
     * PAYLOAD_KEYS_FILE: the key ring that payloads are encrypted with. Without one they are not. KMS_KEY_ID: what
     * closes the keys in files of rings, `aws-kms:` and a key's id, ARN or alias; without it they lie open.
     * CODEC_ORIGINS: pages whose browsers may have the API open payloads. Default: none.
     */
    readonly payloads: {
      readonly keysFile: string | null
      readonly kmsKey: string | null
      readonly codecOrigins: readonly string[]
    }
    /** METRICS_HOST, METRICS_PORT. Default 127.0.0.1:9090. */
    readonly metrics: { readonly host: string; readonly port: number }
    /**
     * LOG_LEVEL (info), LOG_FORMAT (json), LOG_FILE: a file that may be rotated while it is written, named
     * `worker...log` or `api...log`, one a process. Null: standard error.
     */
    readonly log: {
      readonly level: LogLevelName
      readonly format: 'json' | 'text'
      readonly file: string | null
    }
    /**
     * CLOCK_START, CLOCK_SPEED: where virtual time begins and how many virtual seconds pass in one.
     * Null where not set: `start` decides. Both matter only until the clock's row exists.
     */
    readonly clock: { readonly start: string | null; readonly speed: number | null }
    /** UNDERWRITING_CAPACITY_MINOR: what may be at risk at once, per currency. Default 10^12. */
    readonly underwriting: { readonly capacityMinor: number }
    /**
     * WORKER_SHUTDOWN_GRACE_MS: what running activities get to finish, default 30,000 ms. Steps that a worker
     * process carries out at once: MAX_CONCURRENT_JOBS of `monitoring` and of `payouts`, default 10;
     * TASK_EXECUTOR_CONCURRENCY of every other queue. Null: as the environment has them.
     */
    readonly worker: {
      readonly shutdownGraceMs: number
      readonly maxConcurrentJobs: number | null
      readonly taskExecutorConcurrency: number | null
    }
    /** Where notifications leave. */
    readonly notify: NotifyConfig
    /** Loopback ports of what `start` runs. Defaults 5433, 7233, 8233, 4010, 4020, 4025, 4030. */
    readonly ports: {
      readonly postgres: number
      readonly temporal: number
      readonly temporalUi: number
      readonly flights: number
      readonly payments: number
      readonly mailSmtp: number
      readonly mail: number
    }
  }

/** What must not be shown or logged. Null where not set. */
export type Secrets = {
  /** DATABASE_URL: it may hold a password. */
  readonly databaseUrl: string | null
  readonly aeroapiKey: string | null
  readonly aviationstackKey: string | null
  readonly stripeApiKey: string | null
  /** STRIPE_WEBHOOK_SECRET, `whsec_...`, while it is rolled two: without it no webhook is taken. */
  readonly stripeWebhookSecrets: readonly string[] | null
  readonly apiToken: string | null
  /** AUTH_SECRET: signs cookies of sessions. Without it one that the database keeps. */
  readonly authSecret: string | null
  /** PAYLOAD_KEYS: a key as `<id>:<base64>`, or the text of a ring's file, where there is no file. */
  readonly payloadKeys: string | null
  /** OTEL_EXPORTER_OTLP_HEADERS: of requests to the collector, `authorization=Bearer%20...`. */
  readonly traceHeaders: Readonly<Record<string, string>> | null
  /** Of the channels of notifications. */
  readonly notify: NotifySecrets
}

/** One variable that cannot be used, and why. */
export type ConfigProblem = { readonly variable: string; readonly message: string }

/** The environment holds values that cannot be used. Exit code 78 (EX_CONFIG of sysexits). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly exitCode = 78
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, message }) => `  ${variable} ${message}`)
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`the configuration has ${count}:\n${lines.join('\n')}`)
    this.problems = problems
  }
}

const SECRET_VARIABLES: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'AEROAPI_KEY',
  'AVIATIONSTACK_KEY',
  'STRIPE_API_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'API_TOKEN',
  'AUTH_SECRET',
  'PAYLOAD_KEYS',
  ...NOTIFY_SECRET_VARIABLES,
  ...TRACING_SECRET_VARIABLES,
])

type Values = { [Name in keyof typeof FIELDS]: z.output<(typeof FIELDS)[Name]> | null }

/**
 * The configuration of an environment. Throws ConfigError with every problem: a value out of its
 * range, a misspelt variable, values that do not go together.
 */
export function loadConfig(env: NodeJS.ProcessEnv): { config: Config; secrets: Secrets } {
  const problems: ConfigProblem[] = misspeltVariables(env)
  const values = readValues(env, problems)
  const config = configOf(values)
  const secrets: Secrets = {
    databaseUrl: values.DATABASE_URL,
    aeroapiKey: values.AEROAPI_KEY,
    aviationstackKey: values.AVIATIONSTACK_KEY,
    stripeApiKey: values.STRIPE_API_KEY,
    stripeWebhookSecrets: values.STRIPE_WEBHOOK_SECRET,
    apiToken: values.API_TOKEN,
    authSecret: values.AUTH_SECRET,
    payloadKeys: values.PAYLOAD_KEYS,
    traceHeaders: values.OTEL_EXPORTER_OTLP_HEADERS,
    notify: notifySecretsOf(values),
  }
  // What is there and wrong was told; it is not missing as well.
  const wrong = new Set(problems.map(({ variable }) => variable))
  problems.push(...notifyProblems(values).filter(({ variable }) => !wrong.has(variable)))
  const hasTokens = secrets.apiToken !== null || config.api.tokensFile !== null
  if (!isLocalOnly(config.api) && !hasTokens) {
    const { host } = config.api
    const open = isLoopback(host) ? 'API_TRUSTED_PROXIES is set' : `API_HOST is ${host}`
    const message = `must be set when ${open}: only loopback goes without a token`
    problems.push({ variable: 'API_TOKEN', message })
  }
  if (values.PAYLOAD_KEYS_FILE !== null && values.PAYLOAD_KEYS !== null) {
    problems.push({ variable: 'PAYLOAD_KEYS', message: 'must not be set beside PAYLOAD_KEYS_FILE' })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { config: deepFreeze(config), secrets: Object.freeze(secrets) }
}

/** True for hosts that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
}

/** True when only this machine reaches the API: what a proxy hands on comes from elsewhere. */
export function isLocalOnly({ host, trustedProxies }: Config['api']): boolean {
  return isLoopback(host) && trustedProxies.length === 0
}

/** True when the flight data comes from the vendor itself, whose quota costs money. */
export function isOfficialAeroApi(url: string): boolean {
  return new URL(url).hostname === new URL(AEROAPI_OFFICIAL_URL).hostname
}

function readValues(env: NodeJS.ProcessEnv, problems: ConfigProblem[]): Values {
  const entries = Object.entries(FIELDS).map(([variable, schema]) => {
    const text = env[variable]?.trim() ?? ''
    if (text === '') return [variable, null]
    const result = schema.safeParse(text)
    if (result.success) return [variable, result.data]
    const wish = result.error.issues[0]?.message ?? 'is not valid'
    problems.push({ variable, message: `is ${shown(variable, text)}: it ${wish}` })
    return [variable, null]
  })
  return Object.fromEntries(entries) as Values // keys and schemas are those of FIELDS
}

function foldersOf(values: Values) {
  const homeDir = values.GROUNDSTOP_HOME ?? '.groundstop'
  return {
    homeDir,
    reportsDir: values.REPORTS_DIR ?? `${homeDir}/reports`,
    privacyExportsDir: values.PRIVACY_EXPORTS_DIR ?? `${homeDir}/privacy`,
    auditArchiveDir: values.AUDIT_ARCHIVE_DIR ?? `${homeDir}/audit-archive`,
    auditAnchorDir: values.AUDIT_ANCHOR_DIR ?? `${homeDir}/audit-anchors`,
  }
}

function configOf(values: Values): Config {
  const environment = values.GROUNDSTOP_ENV ?? 'development'
  const aeroapiUrl = values.AEROAPI_URL ?? AEROAPI_OFFICIAL_URL
  const defaultRate = isOfficialAeroApi(aeroapiUrl)
    ? AEROAPI_OFFICIAL_RATE_PER_S
    : AEROAPI_OTHER_RATE_PER_S
  return {
    environment,
    ...jobsConfigOf(values, environment),
    ...tracingConfigOf(values),
    ...foldersOf(values),
    database: { poolMax: values.DATABASE_POOL_MAX ?? 10 },
    temporal: {
      address: values.TEMPORAL_ADDRESS ?? '127.0.0.1:7233',
      namespace: values.TEMPORAL_NAMESPACE ?? 'default',
    },
    aeroapi: {
      url: aeroapiUrl,
      ratePerS: values.AEROAPI_RATE_PER_S ?? defaultRate,
      concurrency: values.AEROAPI_CONCURRENCY ?? 32,
      dayBudget: values.AEROAPI_BUDGET_PER_DAY,
      monthBudget: values.AEROAPI_BUDGET_PER_MONTH,
      reservePercent: values.AEROAPI_BUDGET_RESERVE_PERCENT ?? RESERVE_PERCENT,
    },
    aviationstack: aviationstackOf(values),
    stripe: {
      url: values.STRIPE_API_URL ?? STRIPE_OFFICIAL_URL,
      concurrency: values.STRIPE_CONCURRENCY ?? 32,
      payoutMethod: values.STRIPE_PAYOUT_METHOD ?? 'transfer',
    },
    api: {
      host: values.API_HOST ?? '127.0.0.1',
      port: values.API_PORT ?? 3000,
      tokensFile: values.API_TOKENS_FILE,
      publicUrl: values.API_PUBLIC_URL,
      trustedProxies: values.API_TRUSTED_PROXIES ?? [],
    },
    payloads: {
      keysFile: values.PAYLOAD_KEYS_FILE,
      kmsKey: values.KMS_KEY_ID,
      codecOrigins: values.CODEC_ORIGINS ?? [],
    },
    metrics: { host: values.METRICS_HOST ?? '127.0.0.1', port: values.METRICS_PORT ?? 9090 },
    log: {
      level: values.LOG_LEVEL ?? 'info',
      format: values.LOG_FORMAT ?? 'json',
      file: values.LOG_FILE,
    },
    clock: { start: values.CLOCK_START, speed: values.CLOCK_SPEED },
    underwriting: { capacityMinor: values.UNDERWRITING_CAPACITY_MINOR ?? 1_000_000_000_000 },
    notify: notifyConfigOf(values),
    worker: {
      shutdownGraceMs: values.WORKER_SHUTDOWN_GRACE_MS ?? 30_000,
      maxConcurrentJobs: values.MAX_CONCURRENT_JOBS,
      taskExecutorConcurrency: values.TASK_EXECUTOR_CONCURRENCY,
    },
    ports: {
      postgres: values.POSTGRES_PORT ?? 5433,
      temporal: values.TEMPORAL_PORT ?? 7233,
      temporalUi: values.TEMPORAL_UI_PORT ?? 8233,
      flights: values.FLIGHTS_PORT ?? 4010,
      payments: values.PAYMENTS_PORT ?? 4020,
      mailSmtp: values.MAIL_SMTP_PORT ?? 4025,
      mail: values.MAIL_PORT ?? 4030,
    },
  }
}

function aviationstackOf(values: Values): Config['aviationstack'] {
  const url = values.AVIATIONSTACK_URL ?? AVIATIONSTACK_OFFICIAL_URL
  const isOfficial = new URL(url).hostname === new URL(AVIATIONSTACK_OFFICIAL_URL).hostname
  return {
    url,
    ratePerS: values.AVIATIONSTACK_RATE_PER_S ?? (isOfficial ? 2 : AEROAPI_OTHER_RATE_PER_S),
    concurrency: values.AVIATIONSTACK_CONCURRENCY ?? 4,
    dayBudget: values.AVIATIONSTACK_BUDGET_PER_DAY,
    monthBudget: values.AVIATIONSTACK_BUDGET_PER_MONTH,
    reservePercent: values.AVIATIONSTACK_BUDGET_RESERVE_PERCENT ?? RESERVE_PERCENT,
  }
}

/** A misspelt variable would be silently without effect. Other programs' variables are no concern. */
function misspeltVariables(env: NodeJS.ProcessEnv): ConfigProblem[] {
  const known = Object.keys(FIELDS)
  return Object.keys(env).flatMap((variable) => {
    if (Object.hasOwn(FIELDS, variable)) return []
    const meant = known.find((name) => isMisspelt(variable, name))
    return meant === undefined
      ? []
      : [{ variable, message: `is not known: ${meant} is probably meant` }]
  })
}

function shown(variable: string, text: string): string {
  return SECRET_VARIABLES.has(variable) ? '(not shown)' : JSON.stringify(text.slice(0, 100))
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}
