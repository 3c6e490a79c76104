/** `groundstop demo seed`: what it asks for, and what it refuses before anything is written. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { CliError, EXIT } from '../../../cli/cli-error.ts'
import { register } from '../../../cli/commands/demo.ts'
import { createSeedBar } from '../../../cli/demo/seed-bar.ts'
import { seedDays } from '../../../cli/demo/seed-days.ts'
import { planSeed } from '../../../cli/demo/seed-plan.ts'
import { parseInstant } from '../../../domain/time.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'groundstop-demo-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([text(stdout), text(stderr)])
  const program = new Command('groundstop').exitOverride().configureOutput({
    writeOut: (line) => stdout.write(line),
    writeErr: (line) => stderr.write(line),
  })
  const { signal } = new AbortController()
  register(program, { env: { GROUNDSTOP_HOME: home, ...env }, stdout, stderr, signal })
  const error: unknown = await program
    .parseAsync(['node', 'groundstop', 'demo', ...words])
    .then(() => null)
    .catch((failed: unknown) => failed)
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { out, err, error }
}

describe('groundstop demo seed', () => {
  test('says what it writes, where, and that it does so once', async () => {
    const { out } = await run(['seed', '--help'])
    expect(out).toContain('--scale <n>')
    expect(out).toContain('A database is seeded once')
  })

  test.each([
    ['--scale', '0'],
    ['--scale', '0.009'],
    ['--scale', '1001'],
    ['--scale', 'many'],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--year', '13'],
    ['--year', '1989'],
  ])('refuses %s %s', async (option, value) => {
    const { err, error } = await run(['seed', option, value])
    expect(error).toMatchObject({ code: 'commander.invalidArgument' })
    expect(err).toContain(`'${value}' is invalid`)
  })

  test.each([['AEROAPI_KEY'], ['AEROAPI_URL'], ['STRIPE_API_KEY'], ['STRIPE_API_URL']])(
    'refuses an installation whose %s names a service, and touches nothing',
    async (variable) => {
      const value = variable.endsWith('URL') ? 'https://service.example' : 'sk_test_other'
      const { error } = await run(['seed', '--scale', '0.01'], { [variable]: value })
      expect(error).toBeInstanceOf(CliError)
      expect(error).toMatchObject({ exitCode: EXIT.config })
      expect(String(error)).toContain('that is no demo')
      expect(await readdir(home)).toEqual([])
    },
  )
})

describe('the plan of a year', () => {
  const now = parseInstant('2013-02-08T14:00:00Z')
  const plan = (year: number | null, scale = 1) => planSeed({ scale, seed: 1, year }, now, now)

  test('ends at the business clock, or with the calendar year that is asked for', () => {
    expect(plan(null)).toMatchObject({ from: '2012-02-09T14:00:00.000Z', until: now })
    expect(plan(2012)).toMatchObject({
      from: '2012-01-01T00:00:00.000Z',
      until: '2013-01-01T00:00:00.000Z',
    })
  })

  test('refuses a year that is not over by the business clock', () => {
    expect(() => plan(2013)).toThrow('the year 2013 is not over')
  })

  test('has all legs that flew leave and end within the year, and all others after the clock', () => {
    const days = seedDays(plan(null))
    const flown = days.filter(({ isComing }) => !isComing)
    expect(flown.reduce((sum, { legs }) => sum + legs, 0)).toBe(380)
    expect(Math.min(...flown.map(({ dayMs }) => dayMs))).toBeGreaterThan(
      Date.parse(plan(null).from),
    )
    const last = Math.max(...flown.map(({ dayMs }) => dayMs))
    expect(last + 5 * 86_400_000).toBeLessThanOrEqual(Date.parse(now))
    const coming = days.filter(({ isComing }) => isComing)
    expect(coming.reduce((sum, { legs }) => sum + legs, 0)).toBe(20)
    expect(Math.min(...coming.map(({ dayMs }) => dayMs))).toBeGreaterThan(Date.parse(now))
  })

  test('numbers legs without a gap, at any scale', () => {
    for (const scale of [0.01, 0.37, 1, 3]) {
      let next = 0
      for (const { firstLeg, legs } of seedDays(plan(null, scale))) {
        expect(firstLeg).toBe(next)
        next += legs
      }
    }
  })
})

describe('the bar', () => {
  test('is a line at each tenth where nobody watches', async () => {
    const out = new PassThrough()
    const bar = createSeedBar(out)
    for (let percent = 0; percent <= 100; percent += 1) bar(percent / 100, 'policies')
    out.end()
    expect((await text(out)).trimEnd().split('\n')).toHaveLength(11)
  })
})
