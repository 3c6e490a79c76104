/** Whether and where spans are sent, by the standard variables of OpenTelemetry. */
import { z } from 'zod'

/** What may be shown of it. */
export type TracingConfig = {
  /**
   * OTEL_EXPORTER_OTLP_ENDPOINT: where a collector takes OTLP over HTTP, without `/v1/traces`. Null without
   * it, and with OTEL_SDK_DISABLED=true: no span is made.
   */
  readonly tracing: {
    readonly endpoint: string
    /** OTEL_SERVICE_NAME. Default `groundstop`; the process (`api`, `worker`) is an attribute of its own. */
    readonly serviceName: string
    /** OTEL_RESOURCE_ATTRIBUTES: `deployment.environment.name=production,...`. Default none. */
    readonly attributes: Readonly<Record<string, string>>
    /** OTEL_TRACES_SAMPLER and _ARG: the share of new traces that is recorded. Default all. */
    readonly ratio: number
    /** Whether what belongs to a trace is recorded when that is; else each span for itself. */
    readonly isParentBased: boolean
    /** OTEL_EXPORTER_OTLP_TIMEOUT: how long one batch may take, milliseconds. Default 10,000. */
    readonly timeoutMs: number
  } | null
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const PAIRS_AT_MOST = 32
const PAIRS_WISH = `must be at most ${PAIRS_AT_MOST} pairs with commas between, as name=value,name=value`

/** `name=value,...`, values percent-encoded, as the standard has it. */
const PAIRS = z
  .string()
  .max(4_096, 'must have at most 4096 characters')
  .transform((text, context) => {
    const pairs = text.split(',').map((pair) => pairOf(pair))
    const isWrong = pairs.length > PAIRS_AT_MOST || pairs.includes(null)
    if (isWrong) context.addIssue({ code: 'custom', message: PAIRS_WISH })
    return Object.fromEntries(pairs.filter((pair) => pair !== null))
  })

const RATIO_WISH = 'must be a number from 0 to 1'
const TIMEOUT_WISH = 'must be a whole number from 1 to 60000 ms'
const DEFAULT_TIMEOUT_MS = 10_000
const LONGEST_TIMEOUT_MS = 60_000

/** Their variables. */
export const TRACING_FIELDS = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(
      (text) => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? ''),
      'must be a URL that starts with http:// or https://',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: PAIRS,
  OTEL_EXPORTER_OTLP_TIMEOUT: z
    .string()
    .regex(/^\d{1,5}$/, TIMEOUT_WISH)
    .transform(Number)
    .refine((ms) => ms >= 1 && ms <= LONGEST_TIMEOUT_MS, TIMEOUT_WISH),
  OTEL_SDK_DISABLED: z.enum(['true', 'false'], 'must be one of true, false'),
  OTEL_SERVICE_NAME: z.string().max(255, 'must have at most 255 characters'),
  OTEL_RESOURCE_ATTRIBUTES: PAIRS,
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS, `must be one of ${SAMPLERS.join(', ')}`),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0|1|0?\.\d{1,9}|1\.0{1,9}|0\.\d{1,9})$/, RATIO_WISH)
    .transform(Number),
} as const

/** Those that must not be shown. */
export const TRACING_SECRET_VARIABLES: readonly string[] = ['OTEL_EXPORTER_OTLP_HEADERS']

type TracingValues = {
  [Name in keyof typeof TRACING_FIELDS]: z.output<(typeof TRACING_FIELDS)[Name]> | null
}

/** Their part of the configuration. */
export function tracingConfigOf(values: TracingValues): TracingConfig {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === null || values.OTEL_SDK_DISABLED === 'true') return { tracing: null }
  const sampler = values.OTEL_TRACES_SAMPLER ?? 'parentbased_always_on'
  return {
    tracing: {
      endpoint,
      serviceName: values.OTEL_SERVICE_NAME ?? 'groundstop',
      attributes: values.OTEL_RESOURCE_ATTRIBUTES ?? {},
      ratio: ratioOf(sampler, values.OTEL_TRACES_SAMPLER_ARG ?? 1),
      isParentBased: sampler.startsWith('parentbased_'),
      timeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT ?? DEFAULT_TIMEOUT_MS,
    },
  }
}

function ratioOf(sampler: (typeof SAMPLERS)[number], share: number): number {
  if (sampler.endsWith('always_off')) return 0
  return sampler.endsWith('always_on') ? 1 : share
}

function pairOf(pair: string): readonly [string, string] | null {
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  if (at < 1 || name === '') return null
  try {
    return [name, decodeURIComponent(pair.slice(at + 1).trim())]
  } catch {
    return null // A percent sign that encodes nothing.
  }
}
