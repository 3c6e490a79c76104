/** Figures and reports over HTTP and on the command line: what is served, to whom, and nothing else. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createReportFiles } from '../../adapters/files/report-files.ts'
import { createAnalyticsStore } from '../../db/stores/analytics-store.ts'
import { periodOf } from '../../domain/analytics/period.ts'
import type { ReportManifest } from '../../domain/ports/report-files.ts'
import { parseInstant } from '../../domain/time.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const ADMIN = 'the-token-of-the-environment'
const tokenOf = (role: string) => `a-token-of-the-role-${role}`
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let folder = ''
let rig: ApiRig

const MARCH = periodOf('month', '2013-03')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-reports-'))
  const grants = ['operator', 'viewer'].map((role) => ({
    name: `${role}-1`,
    role,
    sha256: sha256(tokenOf(role)),
  }))
  await writeFile(join(folder, 'tokens.json'), JSON.stringify(grants))
  const reportsDir = join(folder, 'kept')
  rig = await createApiRig({
    token: ADMIN,
    env: { REPORTS_DIR: reportsDir, API_TOKENS_FILE: join(folder, 'tokens.json') },
  })
  if (MARCH === null) throw new Error('no such month')
  const at = parseInstant('2013-04-01T00:05:00Z')
  const files = createReportFiles(reportsDir)
  for (const report of ['usage', 'audit'] as const) {
    await files.write(
      { report, period: '2013-03', ...MARCH, generatedAt: at, generatedAtWall: at },
      [
        { name: 'index.html', type: 'text/html', content: '<p>page</p>', rows: 1 },
        { name: 'bound.csv', type: 'text/csv', content: 'product\r\nFD45\r\n', rows: 1 },
      ],
    )
  }
  await createAnalyticsStore(rig.database.db).save(
    { ...MARCH, clock: 'business' },
    {
      figures: { delays: [{ delay: 'early', legs: 7 }] },
      measuredAt: at,
      contentSha256: '0'.repeat(64),
    },
  )
})
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const get = (path: string, token = ADMIN) =>
  rig.ask('GET', path, { headers: { authorization: `Bearer ${token}` } })

describe('reports', () => {
  it('are listed with the checksums of their files', async () => {
    const { status, body } = await get('/api/reports?report=usage')
    expect(status).toBe(200)
    const { items } = body as { items: ReportManifest[] }
    expect(items).toMatchObject([{ report: 'usage', period: '2013-03' }])
    expect(items[0]?.files[1]).toMatchObject({
      name: 'bound.csv',
      bytes: 15,
      sha256: sha256('product\r\nFD45\r\n'),
    })
    expect((await get('/api/reports/usage/2013-03')).body).toEqual(items[0])
  })

  it('are downloaded as they were written', async () => {
    const csv = await get('/api/reports/usage/2013-03/files/bound.csv')
    expect(csv).toMatchObject({ status: 200, body: 'product\r\nFD45\r\n' })
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.headers.get('content-disposition')).toBe(
      'attachment; filename="usage-2013-03-bound.csv"',
    )
  })

  it('have pages that may run nothing and ask nothing', async () => {
    const page = await get('/api/reports/usage/2013-03/files/index.html')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each([
    '/api/reports/usage/2013-04',
    '/api/reports/sales/2013-03',
    '/api/reports/usage/2013-03/files/manifest.json',
    '/api/reports/usage/2013-03/files/..%2F..%2F..%2Ftokens.json',
    '/api/reports/usage/..%2F../files/tokens.json',
    '/api/reports/..%2F/2013-03',
    '/api/reports/usage/2013-03/files/%2Fetc%2Fpasswd',
  ])('do not have %s', async (path) => {
    expect((await get(path)).status).toBe(404)
  })

  it('of the audit trail are for those who may read it', async () => {
    const listed = (await get('/api/reports', tokenOf('operator'))).body as {
      items: ReportManifest[]
    }
    expect(listed.items.map(({ report }) => report)).toEqual(['usage'])
    const file = '/2013-03/files/bound.csv'
    expect((await get(`/api/reports/audit${file}`, tokenOf('operator'))).status).toBe(403)
    expect((await get(`/api/reports/audit${file}`)).status).toBe(200)
    expect((await get(`/api/reports/usage${file}`, tokenOf('operator'))).status).toBe(200)
    expect((await get(`/api/reports/usage${file}`, tokenOf('viewer'))).status).toBe(403)
  })

  it('whose file is not as its manifest says are not handed out', async () => {
    await writeFile(join(folder, 'kept/audit/2013-03/bound.csv'), 'half')
    expect(await get('/api/reports/audit/2013-03/files/bound.csv')).toMatchObject({
      status: 409,
      body: { type: 'urn:groundstop:problem:report-being-written' },
    })
  })
})

describe('figures', () => {
  it('are those that are kept', async () => {
    expect(await get('/api/figures/month/2013-03')).toMatchObject({
      status: 200,
      body: {
        kind: 'month',
        period: '2013-03',
        business: { revision: 1, figures: { delays: [{ delay: 'early', legs: 7 }] } },
        wall: null,
      },
    })
  })

  it.each(['/api/figures/month/2013-04', '/api/figures/year/2013', '/api/figures/month/2013-13'])(
    'are not there: %s',
    async (path) => {
      expect((await get(path)).status).toBe(404)
    },
  )
})

describe('groundstop report', () => {
  async function run(...words: string[]): Promise<string> {
    const env = { REPORTS_DIR: join(folder, 'kept') }
    const { out, error } = await runCommand(rig.database.url, ['report', ...words], env)
    if (error instanceof Error) throw error
    return out
  }

  it('shows the kept figures as tables, the last ones when no period is named', async () => {
    for (const args of [['2013-03'], []]) {
      const text = await run('show', 'executive-summary', ...args)
      expect(text).toContain('Legs decided, by delay')
      expect(text).toMatch(/early +7/)
    }
  })

  it('prints what the API answers', async () => {
    const text = await run('show', 'executive-summary', '2013-03', '--json')
    expect(JSON.parse(text)).toEqual((await get('/api/figures/month/2013-03')).body)
  })

  it('lists reports and their files', async () => {
    expect(await run('list')).toMatch(/usage +2013-03 +2/)
    expect(await run('show', 'usage', '2013-03')).toContain('bound.csv')
  })

  it('says that there is none', async () => {
    await expect(run('show', 'performance')).rejects.toThrow('there is no report performance yet')
    await expect(run('show', 'weekly-trends', '2013-02-03')).rejects.toThrow('there is no')
  })
})
