/**
 * Every command under words made of its route's schema: it ends in time with a documented exit code and a
 * sentence, never with a stack, and what is refused has changed nothing. What its route refuses it refuses,
 * what it refuses its route refuses, and what it reads it prints as its route answers.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { EXIT } from '../../cli/cli-error.ts'
import { buildProgram } from '../../cli/command-line.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { bookFingerprint } from '../support/book-fingerprint.ts'
import { casesOf, leavesOf, type CaseTexts, type CliCase, type Leaf } from '../support/cli-cases.ts'
import { ALONE, COUNTERPARTS, NOT_RUN, type Counterpart } from '../support/cli-counterparts.ts'
import { CONTACT_CELLS, policyCells, rowsOf } from '../support/cli-rows.ts'
import { runWords, type CliRun } from '../support/cli-runs.ts'
import { services } from '../support/services.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'
import { fillCliBook } from './cli-book.ts'

const { FUZZ_CASES, FUZZ_SEED } = process.env
const SEED = Number(FUZZ_SEED ?? 20_130_209)

/** No command that waits for nobody takes longer on a busy machine. */
const ENDS_WITHIN_MS = 10_000

/** What a command without an installation is given to look at. */
const NOTHING = { stdout: new PassThrough(), stderr: new PassThrough() }
const { signal } = new AbortController()
const LEAVES = leavesOf(await buildProgram([], { env: {}, signal, ...NOTHING }))
const RUN = LEAVES.filter(({ name }) => NOT_RUN[name] === undefined)
/** Files take several rows each. */
const FILE_CASES = FUZZ_CASES === undefined ? 12 : 100
const CASES_EACH = Math.ceil(Number(FUZZ_CASES ?? RUN.length * 3) / RUN.length)

const outside = process.cwd()
let rig: ApiRig
let folder = ''
let env: Record<string, string> = {}
let texts: CaseTexts

const groundstop = (words: readonly string[]): Promise<CliRun> =>
  runWords(words, env, ENDS_WITHIN_MS)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-cli-fuzz-'))
  // Deep enough for `../../etc/passwd` to stay in the folder.
  const work = join(folder, 'a', 'b', 'c')
  await mkdir(work, { recursive: true })
  const GROUNDSTOP_HOME = join(folder, 'home')
  rig = await createApiRig({ withFlights: true, env: { GROUNDSTOP_HOME } })
  env = {
    DATABASE_URL: rig.database.url,
    TEMPORAL_ADDRESS: services().temporalAddress,
    TEMPORAL_NAMESPACE: rig.namespace,
    AEROAPI_URL: rig.flightsUrl,
    AEROAPI_KEY: 'test-key',
    GROUNDSTOP_HOME,
  }
  process.chdir(work)
  vi.stubEnv('HOME', folder)
  texts = await fillCliBook(rig, groundstop)
})
afterAll(async () => {
  process.chdir(outside)
  vi.unstubAllEnvs()
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Commands that were carried out, and those that were refused, at least once. */
const carriedOut = new Set<string>()
const refused = new Set<string>()
/** Commands whose answer was the same as their route's. */
const compared = new Set<string>()

const STACK = /\n\s+at .+:\d+|internal error/i

/** The rules of every command line, whatever it says. */
function checkRun({ words, mistake }: CliCase, { code, out, err }: CliRun): void {
  const told = `groundstop ${JSON.stringify(words)} -> ${code} ${err} ${out.slice(0, 1_000)}`
  expect(code, `it did not end within ${ENDS_WITHIN_MS} ms: ${told}`).not.toBeNull()
  expect([EXIT.ok, EXIT.failed, EXIT.usage], told).toContain(code)
  expect(err, told).not.toMatch(STACK)
  if (code !== EXIT.ok) expect(err, told).toMatch(/^(error|groundstop): \S/m)
  if (mistake !== 'none') expect(code, `${mistake}: ${told}`).toBe(EXIT.usage)
}

type Answer = { readonly status: number; readonly body: unknown }

async function askRoute({ request }: CliCase): Promise<Answer | null> {
  if (request === null) return null
  const { method, path, body } = request
  return rig.ask(method, path, { body })
}

/** Runs the words and holds them to the rules of every command line; what is refused has changed nothing. */
async function runCase(leaf: Leaf, counterpart: Counterpart | null, one: CliCase) {
  const { db } = rig.database
  const before = await bookFingerprint(db)
  const run = await groundstop(one.words)
  checkRun(one, run)
  const isPartial = counterpart?.isPartial === true && run.code === EXIT.failed
  const isRefused = run.code !== EXIT.ok && !isPartial
  ;(isRefused ? refused : carriedOut).add(leaf.name)
  const told = `groundstop ${JSON.stringify(one.words)} -> ${run.code} ${run.err}`
  if (isRefused) expect(await bookFingerprint(db), `written by ${told}`).toEqual(before)
  return { run, isRefused, told }
}

/** What is read is the same, as JSON where both give that; else both refuse it. */
async function checkRead(
  leaf: Leaf,
  counterpart: Counterpart | null,
  one: CliCase,
  isLastTry = false,
): Promise<void> {
  const answer = await askRoute(one)
  const { run, isRefused, told } = await runCase(leaf, counterpart, one)
  if (answer === null) return
  expect(isRefused, sides(one, told, answer)).toBe(answer.status >= 400)
  if (isRefused || counterpart?.printsOtherwise !== undefined) return
  if (!one.words.includes('--json')) return
  const printed: unknown = JSON.parse(run.out)
  // The time of day may turn between two questions: then both are asked once more.
  if (!isDeepStrictEqual(printed, answer.body) && !isLastTry) {
    return checkRead(leaf, counterpart, one, true)
  }
  expect(printed, sides(one, told, answer)).toEqual(answer.body)
  compared.add(leaf.name)
}

/** What one refuses the other refuses too; whoever comes first finds the book as both should. */
async function checkChange(
  leaf: Leaf,
  counterpart: Counterpart | null,
  one: CliCase,
  isRouteFirst: boolean,
): Promise<void> {
  const first = isRouteFirst ? await askRoute(one) : null
  const { run, isRefused, told } = await runCase(leaf, counterpart, one)
  if (first !== null && first.status >= 400) {
    expect(run.code, sides(one, told, first)).not.toBe(EXIT.ok)
  }
  if (isRouteFirst || !isRefused) return
  const second = await askRoute(one)
  if (second !== null) expect(second.status, sides(one, told, second)).toBeGreaterThanOrEqual(400)
}

function sides({ request }: CliCase, told: string, { status, body }: Answer): string {
  return `${told}\n${JSON.stringify(request)} -> ${status} ${JSON.stringify(body).slice(0, 1_000)}`
}

describe('the commands', () => {
  it('each have a route, or a reason why there is none', () => {
    const named = [COUNTERPARTS, ALONE, NOT_RUN].flatMap((one) => Object.keys(one))
    expect(named.toSorted()).toEqual(LEAVES.map(({ name }) => name).toSorted())
  })
})

describe(`a fuzz by seed ${SEED} of`, () => {
  it.each(RUN.map((leaf) => [leaf.name, leaf] as const))(
    'groundstop %s',
    { timeout: 600_000 },
    async (name, leaf) => {
      const counterpart = COUNTERPARTS[name] ?? null
      const cases = casesOf(leaf, counterpart, texts)
      const isRead = counterpart?.route.startsWith('GET ') !== false
      const property = fc.asyncProperty(cases, fc.boolean(), async (one, isRouteFirst) => {
        if (isRead) await checkRead(leaf, counterpart, one)
        else await checkChange(leaf, counterpart, one, isRouteFirst)
      })
      // A seed of its own: else every command would be asked the same.
      const seed = SEED + LEAVES.indexOf(leaf)
      await fc.assert(property, { numRuns: CASES_EACH, seed, endOnFailure: true })
    },
  )

  const FILES = [
    ['policies', '/api/policies', 'policies'],
    ['contacts', '/api/contacts', 'contacts'],
  ] as const

  it.each(FILES)('groundstop %s import', { timeout: 600_000 }, async (group, path, field) => {
    const [leg] = rig.legs
    if (leg === undefined) throw new Error('the pack has no leg of the day')
    const rows = rowsOf(group === 'policies' ? policyCells(leg) : CONTACT_CELLS)
    const property = fc.asyncProperty(rows, fc.boolean(), async (some, isRouteFirst) => {
      const file = join(folder, `${group}.jsonl`)
      await writeFile(file, some.map((row) => `${JSON.stringify(row)}\n`).join(''))
      const ask = () => rig.ask('POST', path, { body: { [field]: some } })
      const before = await bookFingerprint(rig.database.db)
      const first = isRouteFirst ? await ask() : null
      const run = await groundstop([group, 'import', '--json', file])
      const { status, body } = first ?? (await ask())
      const told = `${JSON.stringify(some)} -> ${run.code} ${run.err}, ${status} ${JSON.stringify(body)}`
      checkRun({ words: [group, 'import'], mistake: 'none', request: null }, run)
      // To take the same rows in again changes nothing, so both are asked in full.
      expect([EXIT.ok, EXIT.failed], told).toContain(run.code)
      expect(status < 207, told).toBe(run.code === EXIT.ok)
      if (status >= 400) expect(await bookFingerprint(rig.database.db), told).toEqual(before)
      ;(run.code === EXIT.ok ? carriedOut : refused).add(`${group} import`)
      await rm(file)
    })
    await fc.assert(property, { numRuns: FILE_CASES, seed: SEED, endOnFailure: true })
    expect([carriedOut.has(`${group} import`), refused.has(`${group} import`)]).toEqual([
      true,
      true,
    ])
  })

  const missing = (done: ReadonlySet<string>) =>
    RUN.map(({ name }) => name)
      .filter((name) => !done.has(name))
      .join(', ')

  it('reaches what commands do as well as what they refuse', () => {
    expect(carriedOut.size, missing(carriedOut)).toBeGreaterThan(RUN.length / 3)
    expect(refused.size, missing(refused)).toBeGreaterThan(RUN.length / 2)
    expect(compared.size, missing(compared)).toBeGreaterThan(20)
  })

  it('all of it leaves the trail whole, and no file', async () => {
    expect((await createAuditChain(rig.database.db).verify()).firstBreak).toBeNull()
    const files = await readdir(folder, { recursive: true })
    expect(files.toSorted()).toEqual(['a', 'a/b', 'a/b/c'])
  })
})
