/** Job packs, by the page that shows them: real processes that load the example, and packs that do not fit. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { Worker } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { parseInstant } from '../../domain/time.ts'
import { workflowBundle, type WorkflowBundle } from '../../workers/bundle.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeReadBook } from '../support/read-book.ts'
import { ROOT } from '../support/repository.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'

const PAGE_URL = 'http://127.0.0.1:3000'
const EXAMPLE = join(ROOT, 'docs/examples/job-pack')
const CACHE = join(ROOT, 'node_modules/.cache/groundstop')
const READY_MS = 60_000

let database: TestDatabase
let rig: TemporalRig
let folder: string
let bundle: WorkflowBundle
let env: Record<string, string>
let blocks: string[]
const started: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-packs-'))
  database = await createTestDatabase()
  rig = await createTemporalRig(services().temporalAddress)
  await makeReadBook(database.db)
  await createClockStore(database.db).set({ now: parseInstant('2013-03-10T12:00:00Z'), speed: 0 })
  bundle = await workflowBundle(CACHE, { packFolders: [EXAMPLE] })
  await mkdir(join(folder, 'cache'))
  await copyFile(bundle.codePath, join(folder, 'cache', basename(bundle.codePath)))
  env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    TMPDIR: folder,
    GROUNDSTOP_HOME: folder,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: services().temporalAddress,
    TEMPORAL_NAMESPACE: rig.namespace,
    AEROAPI_KEY: 'test-key',
    STRIPE_API_KEY: 'sk_test_1',
    API_PORT: '0',
    METRICS_PORT: '0',
    LOG_LEVEL: 'error',
  }
  const page = await readFile(join(ROOT, 'docs/job-packs.md'), 'utf8')
  blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block)
  const api = await serve('api', '"listening":"(http[^"]+)"')
  blocks = blocks.map((block) => block.replaceAll(PAGE_URL, api))
  env['SCHEDULER_JOBS'] = 'delayed-airports'
  await serve('worker --queues reports', '("ready":true)')
})
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL')
  await rig[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function shell(script: string, more: Record<string, string> = {}): ChildProcess {
  const child = spawn('sh', ['-c', script], { cwd: ROOT, env: { ...env, ...more } })
  started.push(child)
  return child
}

/** Starts a process as the page's first block has it; what it printed by the pattern. */
async function serve(command: string, pattern: string): Promise<string> {
  const child = shell(`${blocks[0]}\nexec node cli/main.ts ${command}`)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')))
  }
  const find = () => new RegExp(pattern).exec(printed)?.[1]
  await vi.waitFor(() => expect(find(), printed).toBeDefined(), { timeout: READY_MS, interval: 50 })
  return find() ?? ''
}

async function run(script: string, more: Record<string, string> = {}) {
  const child = shell(script, more)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout, stderr }
}

const onPage = (index: number) => run(`${blocks[0]}\n${blocks[index]}`)

describe('the page', () => {
  it('shows the jobs of the pack', async () => {
    expect((await onPage(1)).stdout).toContain('delayed-airports (DELAYED_AIRPORTS): ')
  })

  it('leads to a run by the command line, its result, its file, and a history that replays', async () => {
    const { stdout, stderr } = await onPage(2)
    expect(stdout, stderr).toContain('"airports":')
    expect(stdout).toMatch(/airport,legs,mean_delay_min\n[A-Z]{3},\d+,\d+\.\d\n/)
    const handle = rig.client.workflow.getHandle('delayed-airports:2013-03-09-3')
    const history = await handle.fetchHistory()
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, handle.workflowId)
  })

  it('has wrong input refused with its field', async () => {
    expect(JSON.parse((await onPage(3)).stdout)).toMatchObject({
      status: 422,
      errors: [{ path: 'payload.date' }],
    })
  })

  it('has input that fits started by REST, by what the schema says', async () => {
    const good = (blocks[3] ?? '').replace('"yesterday"', '"2013-03-08"').replace('first', 'next')
    const { id } = JSON.parse((await run(good)).stdout) as { id: string }
    const result: unknown = await rig.client.workflow.getHandle(id).result()
    expect(result).toMatchObject({ date: '2013-03-08', legs: 0, airports: 0 })
  })
})

describe('the schedule of the pack', () => {
  it('is made by the worker, and fires with the business date', async () => {
    const ids: string[] = []
    for await (const { scheduleId } of rig.client.schedule.list()) ids.push(scheduleId)
    expect(ids).toContain('delayed-airports')
    await rig.client.schedule.getHandle('delayed-airports').trigger()
    const file = join(folder, 'delay-lists/delayed-airports-2013-03-09.csv')
    await rm(file, { force: true })
    await expect
      .poll(() => readFile(file, 'utf8').catch(() => ''), { timeout: 20_000 })
      .toContain('airport,legs')
  })

  it('is to be deleted where the pack is left out, and stays where it is loaded', async () => {
    const plan = 'node cli/main.ts schedules plan'
    const left = await run(plan, { SCHEDULER_JOBS: '' })
    expect(left.stdout + left.stderr).toMatch(/delete.*delayed-airports|delayed-airports.*delete/)
    const kept = await run(`${blocks[0]}\n${plan}`)
    expect(kept.stdout).not.toContain('delete')
  })
})

it('leaves a recorded history of every job of the product replaying', async () => {
  const histories = join(ROOT, 'test/replay/histories')
  const recorded = readdirSync(histories).filter((file) => file.endsWith('.json'))
  const files = new Map(recorded.map((file) => [file.split('.')[0], file])).values()
  expect(recorded.length).toBeGreaterThan(0)
  for (const file of files) {
    const history: unknown = JSON.parse(readFileSync(join(histories, file), 'utf8'))
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, file)
  }
}, 180_000)

/** A pack whose one job differs from a good one by `fields`. */
async function makePack(name: string, job: string, fields: string, workflow: string) {
  const pack = join(folder, name)
  const files = {
    'package.json': JSON.stringify({ name, version: '1.0.0', type: 'module' }),
    'jobs/registry.ts': `import { defineJob } from 'groundstop/pack'
      import { z } from 'zod'
      export const JOBS = [defineJob({ name: '${job}', summary: 's', description: 'd',
        input: z.strictObject({}), result: z.strictObject({}), queue: 'reports', priority: 'LOW',
        retry: { attempts: 1 }, timeoutMs: 60000, workflowKey: () => 'all',
        onConflict: { whileOpen: 'join', afterClose: 'again' }, onExhausted: 'fail', slo: {},
        owner: 'operations', alerts: [], histories: [], ${fields} } as never)]`,
    'workflows/index.ts': workflow,
    'activities/index.ts': `export const createActivities = () => ({ async analyzeTables() {} })`,
  }
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(pack, file)), { recursive: true })
    await writeFile(join(pack, file), text)
  }
  return pack
}

describe('a pack that does not fit stops the start with every reason', () => {
  it('exits with 78', async () => {
    const workflow = (name: string) => `export async function ${name}() { return {} }`
    const packs = [
      await makePack('taken', 'maintenance', '', workflow('maintenance')),
      await makePack('lost', 'lost-job', "queue: 'nowhere'", 'export const lostJob = 1'),
      await makePack(
        'stray',
        'stray-job',
        "after: ['payout'], timeoutMs: 3600000",
        workflow('straw'),
      ),
      await makePack('ranges', 'range-job', 'timeoutMs: 1', workflow('rangeJob')),
      join(folder, 'absent'),
    ]
    const { code, stderr } = await run('node cli/main.ts jobs types', {
      JOB_PACKS: packs.join(','),
      SCHEDULER_JOBS: '',
    })
    expect(code, stderr).toBe(78)
    for (const reason of [
      'taken: job maintenance: name maintenance is taken',
      'lost: job lost-job: queue must be one of monitoring',
      'lost: workflows/index.ts must export the function lostJob',
      'stray: workflows/index.ts exports straw, and no job has that workflow',
      'ranges: jobs/registry.ts does not load: job range-job: timeoutMs is out of',
      'absent: there is no such folder',
    ]) {
      expect(stderr).toContain(reason)
    }
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('exits with 0 where it fits', async () => {
    const good = 'export async function goodJob() { return {} }'
    const pack = await makePack('good', 'good-job', '', good)
    const { code, stdout } = await run('node cli/main.ts jobs types', {
      JOB_PACKS: pack,
      SCHEDULER_JOBS: '',
    })
    expect(code).toBe(0)
    expect(stdout).toContain('good-job (GOOD_JOB): s')
  })
})

it('settings that are missing stop the worker, and only it, with their names', async () => {
  const { code, stderr } = await run('node cli/main.ts worker --queues reports', {
    JOB_PACKS: EXAMPLE,
  })
  expect(code, stderr).toBe(78)
  expect(stderr).toContain('PACK_DELAY_LISTS_API_URL must be the address of the API')
  expect(stderr).toContain('PACK_DELAY_LISTS_FOLDER must be a folder')
})
