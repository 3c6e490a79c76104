/** What we ask of the deployment's files beyond the Compose specification, as findings in words. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { Ajv, type ErrorObject } from 'ajv'
import addFormats from 'ajv-formats'
import type { Registry } from 'prom-client'

export type Service = {
  readonly image?: string
  readonly user?: string
  readonly restart?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly privileged?: boolean
  readonly security_opt?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } }
}

export type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>
}

/**
 * A check against the Compose specification's own JSON schema, which the linter dclint ships
 * unchanged. Ajv knows neither the schema's extension formats nor its deprecation marks: lenient.
 */
export function createSchemaCheck(): (document: unknown) => string[] {
  const linter = createRequire(import.meta.url).resolve('dclint/package.json')
  const path = join(dirname(linter), 'schemas/compose.schema.json')
  const { $schema: _dialect, ...schema } = JSON.parse(readFileSync(path, 'utf8')) as {
    $schema: string
  }
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const validate = ajv.compile(schema)
  return (document) => (validate(document) ? [] : (validate.errors ?? []).map(describeError))
}

function describeError({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`
}

/** Steps that end: everything else serves until it is stopped. */
function endsByItself({ restart = 'no' }: Service): boolean {
  return restart === 'no' || restart.startsWith('on-failure')
}

/** Findings against least privilege, pinned versions, loopback, limits and secrets in files. */
export function hardeningFindings({ services }: Compose): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    [...privilegeFindings(service), ...exposureFindings(service)].map((text) => `${name} ${text}`),
  )
}

function privilegeFindings(service: Service): string[] {
  const tag = /:([^:/]+)$/.exec(service.image ?? '')?.[1]
  const options = service.security_opt ?? []
  const rules: [boolean, string][] = [
    [tag !== undefined && tag !== 'latest', 'has no pinned image version'],
    [/^[1-9]\d*(:\d+)?$/.test(service.user ?? ''), 'does not say a user other than root'],
    [service.read_only === true, 'can write to its root file system'],
    [service.cap_drop?.includes('ALL') ?? false, 'keeps capabilities'],
    [(service.cap_add ?? []).length === 0, 'adds capabilities'],
    [service.privileged !== true, 'is privileged'],
    [options.includes('no-new-privileges:true'), 'may gain privileges'],
    [service.deploy?.resources?.limits?.memory !== undefined, 'has no memory limit'],
    [endsByItself(service) || service.healthcheck !== undefined, 'has no health check'],
  ]
  return rules.filter(([holds]) => !holds).map(([, finding]) => finding)
}

const SECRET_NAME = /(PASSWORD|PWD|SECRET|TOKEN|(?<!PUBLIC_)KEY|DATABASE_URL)$/

function exposureFindings({ ports = [], environment = {} }: Service): string[] {
  const open = ports.filter((port) => !port.startsWith('127.0.0.1:'))
  const plain = Object.keys(environment).filter((variable) => SECRET_NAME.test(variable))
  return [
    ...open.map((port) => `publishes ${port} beyond loopback`),
    ...plain.map((variable) => `has the secret ${variable} in its environment`),
  ]
}

/** Findings of names that nothing declares, and of waits that can never end. */
export function referenceFindings(compose: Compose): string[] {
  const { services } = compose
  return Object.entries(services).flatMap(([name, service]) => {
    const missing = (kind: 'networks' | 'secrets', used: readonly string[] = []) =>
      used
        .filter((one) => !Object.hasOwn(compose[kind] ?? {}, one))
        .map((one) => `${name} uses ${kind.slice(0, -1)} ${one}, which nobody declares`)
    const volumes = (service.volumes ?? [])
      .map((volume) => volume.split(':', 1)[0] ?? '')
      .filter((volume) => !volume.startsWith('.') && !Object.hasOwn(compose.volumes ?? {}, volume))
      .map((volume) => `${name} uses volume ${volume}, which nobody declares`)
    const files = Object.entries(service.environment ?? {})
      .filter(([, value]) => value.startsWith('/run/secrets/'))
      .filter(([, value]) => !service.secrets?.includes(value.slice('/run/secrets/'.length)))
      .map(([variable]) => `${name} reads ${variable} from a secret that it is not given`)
    return [
      ...missing('networks', service.networks),
      ...missing('secrets', service.secrets),
      ...volumes,
      ...files,
      ...waitFindings(name, service, services),
    ]
  })
}

function waitFindings(
  name: string,
  { depends_on: waits = {}, networks = [] }: Service,
  services: Compose['services'],
): string[] {
  return Object.entries(waits).flatMap(([other, { condition }]) => {
    const target = services[other]
    if (target === undefined) return [`${name} waits for ${other}, which is not there`]
    const findings: string[] = []
    if (condition === 'service_healthy' && target.healthcheck === undefined) {
      findings.push(`${name} waits for the health of ${other}, which has no check`)
    }
    if (condition === 'service_completed_successfully' && !endsByItself(target)) {
      findings.push(`${name} waits for the end of ${other}, which never ends`)
    }
    const isServed = condition === 'service_healthy'
    if (isServed && !networks.some((network) => target.networks?.includes(network))) {
      findings.push(`${name} waits for ${other} and shares no network with it`)
    }
    return findings
  })
}

/** Suffixes under which one histogram is queried. */
const HISTOGRAM_SUFFIX = /_(bucket|sum|count)$/
/** Labels that the scrape adds to every series. */
const SCRAPE_LABELS = new Set(['job', 'instance', 'le'])
const OWN_METRIC = /\b((?:task_scheduler|groundstop)_[a-z_]+)(?:\{([^}]*)\})?/g

/** Findings of metrics and labels that a query uses and the registry does not have. */
export function queryFindings(query: string, registry: Registry): string[] {
  return [...query.matchAll(OWN_METRIC)].flatMap(([, used = '', matchers = '']) => {
    const metric =
      registry.getSingleMetric(used) ?? registry.getSingleMetric(used.replace(HISTOGRAM_SUFFIX, ''))
    if (metric === undefined) return [`no metric is called ${used}`]
    const known: readonly string[] = 'labelNames' in metric ? (metric.labelNames as string[]) : []
    return [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)]
      .map(([, label = '']) => label)
      .filter((label) => !known.includes(label) && !SCRAPE_LABELS.has(label))
      .map((label) => `${used} has no label ${label}`)
  })
}

/** Labels that a query groups by; each must be on every metric of it. */
export function groupingFindings(query: string, registry: Registry): string[] {
  const labels = [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  )
  const known = new Set(
    [...query.matchAll(OWN_METRIC)].flatMap(([, used = '']) => {
      const metric =
        registry.getSingleMetric(used) ??
        registry.getSingleMetric(used.replace(HISTOGRAM_SUFFIX, ''))
      return metric !== undefined && 'labelNames' in metric ? (metric.labelNames as string[]) : []
    }),
  )
  return labels
    .filter((label) => !known.has(label) && !SCRAPE_LABELS.has(label))
    .map((label) => `nothing in the query has the label ${label}`)
}
