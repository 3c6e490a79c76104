import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { CliError } from '../../cli/cli-error.ts'
import { register as registerBacktest } from '../../cli/commands/backtest.ts'
import { register as registerLegs } from '../../cli/commands/legs.ts'
import { writeLegPackFile } from '../../cli/flights/leg-pack-file.ts'
import { loadPack } from './domain/real-legs.ts'

const STORM = fileURLToPath(new URL('../../data/nyc2013-02-storm.legs.txt.gz', import.meta.url))

let folder = ''
/** A pack of two hundred legs of the storm, to be quick. */
let small = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'groundstop-backtest-'))
  small = join(folder, 'small.legs.txt.gz')
  const pack = loadPack('nyc2013-02-storm.legs.txt.gz')
  await writeLegPackFile(small, { ...pack, legs: pack.legs.slice(4_000, 4_200) })
})

afterAll(() => rmSync(folder, { recursive: true }))

/** What the command prints. */
async function run(...args: string[]): Promise<string> {
  const stdout = new PassThrough()
  const context = {
    env: {},
    stdout,
    stderr: new PassThrough(),
    signal: new AbortController().signal,
  }
  const program = new Command().exitOverride()
  registerBacktest(program, context)
  registerLegs(program, context)
  await program.parseAsync(args, { from: 'user' })
  stdout.end()
  return String(stdout.read() ?? '')
}

function inFolder(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('groundstop backtest', () => {
  it('writes a line per leg, sorted by key, and a summary', async () => {
    const out = join(folder, 'decisions.txt')
    const printed = await run('backtest', '--flights', small, '--product', 'FD45', '--out', out)
    expect(printed).toMatch(/^legs {9}200,/m)
    expect(printed).toMatch(/^in review {4}0$/m)
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    const keys = lines.map((line) => line.split('=')[0] ?? '')
    expect(lines).toHaveLength(200)
    expect(keys).toEqual(keys.toSorted())
    expect(lines.every((line) => /^\w\w\|\d+\|\w{3}\|\w{3}\|2013-02-\d\d=\d+$/.test(line))).toBe(
      true,
    )
  })

  it('takes a product from a file: a product that pays for every minute pays more', async () => {
    const file = inFolder(
      'generous.json',
      JSON.stringify({
        code: 'FD1',
        tiers: [{ minDelayMin: 1, bps: 10_000 }],
        cancelBps: 10_000,
        notReachedBps: 10_000,
      }),
    )
    const generous = JSON.parse(
      await run('backtest', '--flights', small, '--product', file, '--json'),
    )
    const plain = JSON.parse(
      await run('backtest', '--flights', small, '--product', 'FD45', '--json'),
    )
    expect(generous.product.code).toBe('FD1')
    expect(generous.paying).toBeGreaterThan(plain.paying)
  })

  it('groups', async () => {
    const args = [
      'backtest',
      '--flights',
      small,
      '--product',
      'FD45',
      '--json',
      '--by',
      'carrier,origin',
    ]
    const { groups, legs } = JSON.parse(await run(...args))
    const counted = Object.values<{ legs: number }>(groups).reduce(
      (sum, group) => sum + group.legs,
      0,
    )
    expect(Object.keys(groups)[0]).toMatch(/^\w\w\|\w{3}$/)
    expect(counted).toBe(legs)
  })

  it('compares two products, and lists the legs that differ up to the limit', async () => {
    const args = ['backtest', '--flights', small, '--product', 'FD45', '--against', 'FD120']
    const printed = await run(...args, '--limit', '2')
    const { against, comparison, ...first } = JSON.parse(await run(...args, '--json'))
    expect(first.product.code).toBe('FD45')
    expect(against.product.code).toBe('FD120')
    expect(comparison.differing).toBe(comparison.firstPaysMore + comparison.secondPaysMore)
    expect(comparison.differing).toBeGreaterThan(2)
    expect(comparison.differences.length).toBe(Math.min(20, comparison.differing))
    expect(first.sumBps + comparison.differenceBps).toBe(against.sumBps)
    expect(printed.match(/^\w\w\|.* bps$/gm)).toHaveLength(2)
    expect(printed).toContain(`${comparison.differing - 2} more differ`)
  })

  it('compares two providers of the same flights', async () => {
    const args = ['--product', 'FD45', '--against-provider', 'no-estimates', '--json']
    const compared = JSON.parse(await run('backtest', '--flights', small, ...args))
    expect([compared.provider, compared.against.provider]).toEqual(['full', 'no-estimates'])
    expect(compared.comparison).toMatchObject({ legs: 200, differing: 0, worstDay: null })
  })

  it('writes the file of the first product alone', async () => {
    const [alone, compared] = ['alone.txt', 'compared.txt'].map((name) => join(folder, name))
    const args = ['backtest', '--flights', small, '--product', 'FD45']
    await run(...args, '--out', alone ?? '')
    await run(...args, '--against', 'FD180', '--out', compared ?? '')
    expect(readFileSync(compared ?? '', 'utf8')).toBe(readFileSync(alone ?? '', 'utf8'))
  })

  it('reads a plain pack too', async () => {
    const plain = inFolder(
      'plain.txt',
      '{"format":"legs/1","n":0,"epoch":"2013-01-01T00:00:00Z","columns":["dm","ca","fn","og","de","sb","st","dd","ad","tn"],"tz":{}}\n\n\n\n\n\n\n\n\n\n\n',
    )
    expect(await run('backtest', '--flights', plain, '--product', 'FD45')).toMatch(/^legs {9}0,/m)
  })

  it.each([
    ['an unknown product', ['--product', 'FD99'], 'no product FD99', 2],
    ['another one', ['--product', 'FD45', '--against', 'FD99'], '--against: there is no', 2],
    ['a limit that is no number', ['--product', 'FD45', '--limit', 'x'], '--limit: not a', 2],
    ['an unknown group', ['--product', 'FD45', '--by', 'month,pilot'], '"pilot" is none of', 2],
    ['no such product file', ['--product', './nowhere.json'], 'cannot read ./nowhere.json', 1],
    ['no such pack', ['--product', 'FD45', '--flights', '/nowhere'], 'cannot read /nowhere', 1],
  ])('says what is wrong: %s', async (_, args, message, exitCode) => {
    const failure = await run('backtest', ...args).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CliError)
    expect(failure).toMatchObject({ message: expect.stringContaining(message), exitCode })
  })

  it.each([
    ['a text that is no pack', 'hello\n', 'not a leg pack'],
    ['zipped text that is no pack', gzipSync('hello\n'), 'not a leg pack'],
    ['a broken gzip', gzipSync('hello, hello, hello').subarray(0, 15), 'cannot be unzipped'],
    ['an empty file', '', 'not a leg pack'],
  ])('names the file: %s', async (_, content, message) => {
    const file = inFolder('wrong.txt.gz', content)
    const running = run('backtest', '--product', 'FD45', '--flights', file)
    await expect(running).rejects.toThrow(`${file}: `)
    await expect(running).rejects.toThrow(message)
  })

  it.each([
    ['not JSON', '{', 'not JSON'],
    ['a wrong field', '{"code":"FD1"}', 'tiers: a list'],
  ])('names the product file and the field: %s', async (_, content, message) => {
    const file = inFolder('wrong.json', content)
    const running = run('backtest', '--product', file, '--flights', small)
    await expect(running).rejects.toThrow(`${file}: ${message}`)
  })
})

describe('groundstop legs cut', () => {
  it('writes the same bytes every time', async () => {
    const cut = async (name: string) => {
      const out = join(folder, name)
      const days = ['--from', '2013-02-08', '--to', '2013-02-09']
      const printed = await run('legs', 'cut', '--flights', STORM, ...days, '--out', out)
      return { printed, bytes: readFileSync(out) }
    }
    const [first, second] = [await cut('a.gz'), await cut('b.gz')]
    expect(first.printed).toContain('1614 legs from 2013-02-08 to 2013-02-09')
    expect(first.bytes.equals(second.bytes)).toBe(true)
  })

  it.each([
    [['--from', '2013-02-30', '--to', '2013-03-01'], '2013-02-30 is not a date'],
    [['--from', '2013-02-09', '--to', '2013-02-08'], 'is before --from'],
    [['--from', '2014-02-08', '--to', '2014-02-09'], 'has no leg from 2014-02-08'],
  ])('refuses %s', async (days, message) => {
    const out = join(folder, 'never.gz')
    await expect(run('legs', 'cut', '--flights', STORM, ...days, '--out', out)).rejects.toThrow(
      message,
    )
  })
})
