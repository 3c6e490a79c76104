/** `groundstop completion`: what it offers against the tree of all commands, and its scripts in their shells. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { addCommand, commandNames } from '../../../cli/command-files.ts'
import { register } from '../../../cli/commands/completion.ts'
import { SCRIPTS } from '../../../cli/completion/shell-scripts.ts'
import { placeholder } from '../../../cli/completion/values.ts'
import type { CliContext } from '../../../cli/context.ts'
import { allJobs } from '../../../jobs/registry.ts'

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const PACK = fileURLToPath(new URL('../../../docs/examples/job-pack', import.meta.url))
/** All commands are loaded, uncached and beside other tests. */
const LOAD_MS = 60_000
const SHELLS = ['bash', 'zsh', 'fish'] as const

const home = mkdtempSync(join(tmpdir(), 'groundstop-completion-'))
/** Nothing answers there: whoever asks a database or a server fails. */
const ENV = {
  PATH: process.env['PATH'] ?? '',
  GROUNDSTOP_HOME: home,
  DATABASE_URL: 'postgres://127.0.0.1:1/none',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
}

const program = new Command('groundstop')
let commands: { path: string[]; command: Command }[] = []

beforeAll(async () => {
  for (const name of await commandNames()) await addCommand(program, contextOf(), name)
  commands = allCommands(program, [])
}, LOAD_MS)

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

function contextOf(stdout = new PassThrough()): CliContext {
  return { env: ENV, stdout, stderr: new PassThrough(), signal: new AbortController().signal }
}

function allCommands(command: Command, path: string[]): { path: string[]; command: Command }[] {
  const inner = command.createHelp().visibleCommands(command)
  return [
    { path, command },
    ...inner
      .filter((one) => one.name() !== 'help')
      .flatMap((one) => allCommands(one, [...path, one.name()])),
  ]
}

/** What `groundstop completion` prints, in this process. */
async function completion(...words: string[]): Promise<string> {
  const stdout = new PassThrough()
  const root = new Command('groundstop').exitOverride().configureOutput({ writeErr: () => {} })
  register(root, contextOf(stdout))
  await root.parseAsync(['node', 'groundstop', 'completion', ...words])
  stdout.end()
  return text(stdout)
}

/** The lines of an answer: each a word, a tab, what it means. */
async function answer(words: readonly string[]): Promise<string[]> {
  return (await completion('words', '--', ...words)).split('\n').slice(0, -1)
}

async function offered(...words: string[]): Promise<string[]> {
  return (await answer(words)).map((line) => line.replace(/\t.*/, ''))
}

describe('what is offered', () => {
  test('every command, where it stands in the tree', async () => {
    expect(commands.length).toBeGreaterThan(100)
    for (const { path, command } of commands.filter((one) => one.command.commands.length > 0)) {
      const names = command.createHelp().visibleCommands(command)
      const words = await offered(...path, '')
      expect(words, path.join(' ')).toEqual(expect.arrayContaining(names.map((one) => one.name())))
    }
  })

  test('every option of every command', async () => {
    for (const { path, command } of commands) {
      const names = command.options.filter((one) => !one.hidden).map((one) => one.long)
      expect(await offered(...path, '--'), path.join(' ')).toEqual([...names, '--help'])
    }
  })

  test('every choice of every option, apart and after an equals sign', async () => {
    let count = 0
    for (const { path, command } of commands) {
      for (const { long, argChoices: choices, hidden } of command.options) {
        if (choices === undefined || hidden) continue
        count += 1
        expect(await offered(...path, `${long}`, ''), `${path.join(' ')} ${long}`).toEqual(choices)
        const [first = ''] = choices
        expect(await offered(...path, `${long}=${first}`)).toContain(`${long}=${first}`)
      }
    }
    expect(count).toBeGreaterThan(30)
  })

  test('every choice of every argument', async () => {
    let count = 0
    for (const { path, command } of commands) {
      for (const [index, { argChoices }] of command.registeredArguments.entries()) {
        if (argChoices === undefined) continue
        count += 1
        const before = Array.from({ length: index }, () => 'x')
        const words = await offered(...path, ...before, '')
        expect(words, path.join(' ')).toEqual(expect.arrayContaining(argChoices))
      }
    }
    expect(count).toBeGreaterThan(3)
  })

  test('every job wherever a job is asked for', async () => {
    const jobs = allJobs().map((job) => job.name)
    const asked: string[] = []
    for (const { path, command } of commands) {
      const options = command.options.filter((one) => placeholder(one) === 'job')
      for (const { long } of options) {
        asked.push([...path, long].join(' '))
        expect(await offered(...path, `${long}`, '')).toEqual(jobs)
      }
      if (command.registeredArguments[0]?.name() !== 'job') continue
      asked.push(path.join(' '))
      expect(await offered(...path, '')).toEqual(expect.arrayContaining(jobs))
    }
    expect(asked).toEqual(
      expect.arrayContaining(['jobs run', 'jobs list --job', 'windows open --job', 'tasks create']),
    )
  })

  test.each([
    [['jobs', 'run', 'flight'], ['flight-monitor']],
    [['jobs', 'run', '--priority', 'HIGH', 'flight'], ['flight-monitor']],
    [['users', 'role', 'ana', 'op'], ['operator']],
    [['settings', 'get', 'cleanup.b'], ['cleanup.batchSize']],
    [['windows', 'open', '--job', 'cleanup', 'payo'], ['payout']],
    [['windows', 'open', '--job', 'cleanup', '--ow'], ['--owner']],
    [['help', 'jobs', 'wa'], ['watch']],
    [
      ['queues', 'pause', 'payouts', ''],
      ['--reason', '--by', '--help'],
    ],
    [['policies', 'import', 'x'], [':files']],
    [['decisions', 'export', '--', 'x'], [':files']],
  ])('%j may end in %j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected)
  })

  test.each([
    ['a value that may be anything', ['jobs', 'list', '--limit', '']],
    ['an id', ['jobs', 'show', '']],
    ['an argument too many', ['jobs', 'show', 'a', 'b']],
    ['an option after --', ['jobs', 'list', '--', '--l']],
    ['a value of an option that takes none', ['jobs', 'list', '--json=']],
    ['a hidden command', ['completion', 'wo']],
    ['a hidden option', ['backtest', '--see']],
  ])('nothing for %s', async (_what, words) => {
    expect(await offered(...words)).toEqual([])
  })

  test('says what a word means', async () => {
    expect(await answer(['jobs', 'wat'])).toEqual([
      'watch\ttell how far a run is until it ends; fails when it does not succeed',
    ])
  })

  test('jobs of packs too', () => {
    const args = [MAIN, 'completion', 'words', '--', 'jobs', 'run', 'delayed']
    const env = { ...ENV, JOB_PACKS: PACK }
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
    expect(stdout).toMatch(/^delayed-airports\t/)
  })
})

describe('the scripts', () => {
  test.each(SHELLS)('what that of %s calls answers without a word of complaint', async (shell) => {
    const call = /(?:env )?NODE_COMPILE_CACHE=.* words --/.exec(await completion(shell))?.[0]
    const args = ['-c', `${call} queues pause pay`]
    const { status, stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8', env: ENV })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'payouts\t\n', stderr: '' })
  })

  test('there is none for another shell', async () => {
    await expect(completion('tcsh')).rejects.toThrow(/unknown command 'tcsh'/)
  })
})

describe('in bash', () => {
  /** What bash is told after Tab at the end of these words, and what it is to do itself. */
  function tab(script: string, ...words: string[]) {
    const lines = [
      'eval "$SCRIPT"',
      'compopt() { own="$*"; }',
      'COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))',
      '_groundstop',
      'printf "%s\\n" "$own" "${COMPREPLY[@]}"',
    ]
    const args = ['--norc', '-c', lines.join('\n'), 'bash', 'groundstop', ...words]
    const env = { ...ENV, SCRIPT: script }
    const { stdout, stderr } = spawnSync('bash', args, { encoding: 'utf8', env })
    expect(stderr).toBe('')
    const [own, ...offers] = stdout.split('\n').slice(0, -1)
    return { own, offers }
  }

  /** The script with another Node, which answers with these lines of shell. */
  function answeredBy(lines: string): string {
    const node = join(home, "it's a $NODE")
    writeFileSync(node, `#!/bin/sh\n${lines}\n`)
    chmodSync(node, 0o755)
    return SCRIPTS.bash({ node, main: '"main" `', compileCache: 'c\\d' })
  }

  test('the word is completed', async () => {
    const script = await completion('bash')
    expect(tab(script, 'queues', 'pause', 'pay').offers).toEqual(['payouts'])
  })

  test('a value after an equals sign, which bash takes for a word, is asked for alone', () => {
    const script = answeredBy(`printf '<%s>\\n' "$@"`)
    const asked = (...words: string[]) => tab(script, ...words).offers.slice(4)
    expect(asked('list', '--state', '=', 'OP')).toEqual(['<list>', '<--state>', '<OP>'])
    expect(asked('list', '--state', '=')).toEqual(['<list>', '<--state>', '<>'])
  })

  test('a file is left to bash', () => {
    expect(tab(answeredBy('echo :files'), 'x')).toMatchObject({ own: '-o default' })
    expect(tab(answeredBy('echo files'), 'x')).toMatchObject({ own: '', offers: ['files'] })
  })

  test('an installation may be in any folder, and what fails says nothing', () => {
    const script = answeredBy(`printf '<%s>\\n' "$NODE_COMPILE_CACHE" "$@"; echo oh >&2; exit 1`)
    const told = ['<c\\d>', '<"main" `>', '<completion>', '<words>', '<-->', '<a b>', '<>']
    expect(tab(script, 'a b', '').offers).toEqual(told)
  })
})
