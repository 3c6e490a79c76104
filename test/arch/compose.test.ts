/** The deployment's files: valid, least privilege, complete, and about metrics that exist. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

import { FIELDS } from '../../config/fields.ts'
import { createMetrics } from '../../platform/metrics.ts'
import {
  createSchemaCheck,
  groupingFindings,
  hardeningFindings,
  queryFindings,
  referenceFindings,
  type Compose,
} from './compose-rules.ts'

const ROOT = new URL('../../', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

function yaml(path: string): unknown {
  return parse(read(path), { merge: true })
}

const schemaFindings = createSchemaCheck()
const compose = yaml('docker-compose.yml') as Compose

/** The file with one thing changed, at a path such as `services.api.ports`. */
function changed(path: string, value: unknown): Compose {
  const copy = structuredClone(compose) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  let at = copy
  for (const name of names) at = at[name] as Record<string, unknown>
  if (value === undefined) delete at[last]
  else at[last] = value
  return copy as Compose
}

describe('docker-compose.yml', () => {
  it('is valid by the Compose specification', () => {
    expect(schemaFindings(compose)).toEqual([])
  })

  it('gives nobody more than they need, and everybody what they refer to', () => {
    expect(hardeningFindings(compose)).toEqual([])
    expect(referenceFindings(compose)).toEqual([])
  })

  it('has the parts of the production shape', () => {
    expect(Object.keys(compose.services)).toEqual(
      expect.arrayContaining([
        'postgres',
        'temporal-postgres',
        'temporal',
        'temporal-ui',
        'migrate',
        'worker',
        'api',
        'prometheus',
        'grafana',
      ]),
    )
  })

  it('passes on every setting that is not of this machine, secrets as files that are made', () => {
    const local =
      /^(CLOCK_|GROUNDSTOP_HOME|DATABASE_POOL_MAX|API_TOKENS_FILE|LOG_FILE$|PAYLOAD_KEYS$|\w+_CONCURRENCY$)/
    const ports = /^(POSTGRES|TEMPORAL|TEMPORAL_UI|FLIGHTS|PAYMENTS|MAIL|MAIL_SMTP)_PORT$/
    const passed = ['worker', 'api'].flatMap((name) =>
      Object.keys(compose.services[name]?.environment ?? {}),
    )
    const missing = Object.keys(FIELDS).filter(
      (name) =>
        !local.test(name) &&
        !ports.test(name) &&
        !passed.some((it) => it === name || it.replace(/_FILE$/, '') === name),
    )
    expect(missing).toEqual([])
    const [makeSecrets, entrypoint] = [read('deploy/make-secrets.sh'), read('deploy/entrypoint.sh')]
    for (const secret of Object.keys(compose.secrets ?? {})) {
      expect(makeSecrets).toMatch(new RegExp(`^(keep|ask) ${secret} `, 'm'))
    }
    // A setting that is a file's name itself is read by the product.
    const expanded = passed.filter((name) => name.endsWith('_FILE') && !Object.hasOwn(FIELDS, name))
    for (const file of expanded) {
      expect(entrypoint).toMatch(new RegExp(`\\b${file.replace(/_FILE$/, '')}\\b`))
    }
  })

  it('mounts only files that are here', () => {
    const mounts = Object.values(compose.services)
      .flatMap((service) => service.volumes ?? [])
      .filter((volume) => volume.startsWith('./'))
      .map((volume) => volume.split(':', 1)[0] ?? '')
    expect(mounts.length).toBeGreaterThan(0)
    expect(mounts.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
  })

  it('keeps the databases off networks that lead outside', () => {
    for (const name of ['postgres', 'temporal-postgres']) {
      const networks = compose.services[name]?.networks ?? []
      expect(networks.map((network) => compose.networks?.[network]?.internal)).toEqual([true])
    }
  })

  it.each(['migrate', 'worker', 'api'])('sets only settings that %s knows', (name) => {
    const read = Object.keys(compose.services[name]?.environment ?? {})
    const isKnown = (variable: string) => Object.hasOwn(FIELDS, variable)
    const unknown = read.filter((it) => !isKnown(it) && !isKnown(it.replace(/_FILE$/, '')))
    expect(unknown).toEqual([])
  })
})

describe('a planted error is found:', () => {
  it.each([
    ['services.api.portz', ['127.0.0.1:1:1'], 'portz'],
    ['services.api.ports', 3000, '/services/api/ports'],
    ['services.api.healthcheck.retries', [], '/services/api/healthcheck/retries'],
    ['services.api.depends_on.migrate.condition', 'service_happy', '/services/api/depends_on'],
    ['services.api.restart', 7, '/services/api/restart'],
    ['services.api.read_only', 1, '/services/api/read_only'],
    ['services.api.environment', 'A=1', '/services/api/environment'],
    ['services.wor ker', {}, 'wor ker'],
    ['volumes.data', { drivr: 'local' }, 'drivr'],
    ['networks.data.internal', 3, '/networks/data/internal'],
    ['secrets.api_token', 'a-secret', '/secrets/api_token'],
    ['services', [], '/services'],
    ['serivces', {}, 'serivces'],
  ])('by the specification, %s = %j', (path, value, where) => {
    expect(schemaFindings(changed(path, value)).join('\n')).toContain(where)
  })

  it.each([
    ['services.api.image', 'groundstop:latest', 'api has no pinned image version'],
    ['services.api.image', 'groundstop', 'api has no pinned image version'],
    ['services.api.user', undefined, 'api does not say a user other than root'],
    ['services.api.user', '0:0', 'api does not say a user other than root'],
    ['services.api.read_only', false, 'api can write to its root file system'],
    ['services.api.cap_drop', ['NET_RAW'], 'api keeps capabilities'],
    ['services.api.cap_add', ['SYS_ADMIN'], 'api adds capabilities'],
    ['services.api.privileged', true, 'api is privileged'],
    ['services.api.security_opt', [], 'api may gain privileges'],
    ['services.api.deploy', {}, 'api has no memory limit'],
    ['services.api.healthcheck', undefined, 'api has no health check'],
    ['services.api.ports', ['3000:3000'], 'api publishes 3000:3000 beyond loopback'],
    ['services.api.ports', ['0.0.0.0:1:1'], 'api publishes 0.0.0.0:1:1 beyond loopback'],
    ['services.api.environment.API_TOKEN', 'x', 'api has the secret API_TOKEN in its environment'],
    ['services.postgres.environment.POSTGRES_PASSWORD', 'x', 'has the secret POSTGRES_PASSWORD'],
  ])('by least privilege, %s = %j', (path, value, finding) => {
    expect(hardeningFindings(changed(path, value)).join('\n')).toContain(finding)
  })

  it.each([
    ['networks.data', undefined, 'uses network data, which nobody declares'],
    ['secrets.api_token', undefined, 'uses secret api_token, which nobody declares'],
    ['services.api.secrets', [], 'api reads DATABASE_URL_FILE from a secret that it is not given'],
    ['volumes.postgres-data', undefined, 'postgres uses volume postgres-data'],
    ['services.postgres', undefined, 'migrate waits for postgres, which is not there'],
    ['services.postgres.healthcheck', undefined, 'migrate waits for the health of postgres'],
    ['services.migrate.restart', 'always', 'api waits for the end of migrate, which never ends'],
    ['services.postgres.networks', ['jobs'], 'migrate waits for postgres and shares no network'],
  ])('by its references, %s = %j', (path, value, finding) => {
    expect(referenceFindings(changed(path, value)).join('\n')).toContain(finding)
  })
})

type Rules = { groups: { rules: { alert: string; expr: string; annotations: object }[] }[] }
type Dashboard = { panels: { title: string; targets?: { expr: string }[] }[] }
type Scrape = { scrape_configs: { job_name: string }[]; rule_files: string[] }

describe('alerts and dashboards', () => {
  const { registry } = createMetrics()
  const { groups } = yaml('deploy/prometheus/alerts.yml') as Rules
  const rules = groups.flatMap((group) => group.rules)
  const boards = readdirSync(new URL('deploy/grafana/dashboards/', ROOT)).map(
    (file) => JSON.parse(read(`deploy/grafana/dashboards/${file}`)) as Dashboard,
  )
  const queries = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...boards
      .flatMap(({ panels }) => panels)
      .flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ]

  it.each(queries)('%s asks for metrics that exist', (_name, query) => {
    expect([...queryFindings(query, registry), ...groupingFindings(query, registry)]).toEqual([])
  })

  it('ask for jobs that are scraped', () => {
    const { scrape_configs: jobs, rule_files: files } = yaml(
      'deploy/prometheus/prometheus.yml',
    ) as Scrape
    const scraped = jobs.map(({ job_name: job }) => job)
    const asked = queries.flatMap(([, query]) =>
      [...query.matchAll(/\bjob="([^"]+)"/g)].map(([, job = '']) => job),
    )
    expect([...new Set(asked)].filter((job) => !scraped.includes(job))).toEqual([])
    expect(files.filter((file) => !existsSync(new URL(`deploy/prometheus/${file}`, ROOT)))).toEqual(
      [],
    )
  })

  it('of a metric, label or grouping that does not exist are found', () => {
    expect(queryFindings('rate(task_scheduler_jobs_started_total[5m])', registry)).toEqual([
      'no metric is called task_scheduler_jobs_started_total',
    ])
    expect(queryFindings('groundstop_payouts{sate="PAID"}', registry)).toEqual([
      'groundstop_payouts has no label sate',
    ])
    expect(groupingFindings('sum by (queue) (groundstop_payouts)', registry)).toEqual([
      'nothing in the query has the label queue',
    ])
  })
})

describe('the image', () => {
  const dockerfile = read('deploy/Dockerfile')

  it('copies only what is here, and does not run as root', () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, list = '']) => list.split(' '),
    )
    expect(sources.length).toBeGreaterThan(10)
    expect(sources.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
    expect(/^USER (.+)$/m.exec(dockerfile)?.[1]).toBe('1000:1000')
  })

  it('is built from files that its ignore list lets in', () => {
    const ignored = read('deploy/Dockerfile.dockerignore')
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, list = '']) => list.split(' '),
    )
    const letIn = ignored.split('\n').map((line) => line.replace(/^!/, ''))
    expect(sources.filter((path) => !letIn.includes(path))).toEqual([])
  })

  it('reads settings from secret files, and says which it cannot read', () => {
    const entrypoint = fileURLToPath(new URL('deploy/entrypoint.sh', ROOT))
    const run = (env: Record<string, string>) =>
      execFileSync(
        '/bin/sh',
        [entrypoint, '/bin/sh', '-c', 'echo "$API_TOKEN ${API_TOKEN_FILE-}"'],
        {
          env: { PATH: process.env['PATH'] ?? '', ...env },
          encoding: 'utf8',
          stdio: 'pipe',
        },
      )
    const file = fileURLToPath(new URL('.editorconfig', ROOT))
    expect(run({ API_TOKEN_FILE: file }).trim()).toBe(read('.editorconfig').trim())
    expect(run({ API_TOKEN: 'plain' }).trim()).toBe('plain')
    expect(() => run({ API_TOKEN_FILE: '/nowhere' })).toThrow(
      'API_TOKEN_FILE: cannot read /nowhere',
    )
  })
})
