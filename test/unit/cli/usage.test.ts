/** A new user's mistakes of usage: each command says in a sentence what is wrong, before it does anything. */
import { PassThrough } from 'node:stream'

import { describe, expect, test } from 'vitest'

import { EXIT } from '../../../cli/cli-error.ts'
import { buildProgram } from '../../../cli/command-line.ts'
import { leavesOf, type Leaf } from '../../support/cli-cases.ts'
import { runWords } from '../../support/cli-runs.ts'

const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
const { signal } = new AbortController()
const LEAVES = leavesOf(await buildProgram([], { env: {}, signal, ...streams }))
const GROUPS = [...new Set(LEAVES.map(({ name }) => name.split(' ')[0] ?? ''))]

/** Nothing is opened before the words are understood. */
const ENDS_WITHIN_MS = 5_000

const ENV = { GROUNDSTOP_HOME: '/nonexistent' }

async function usageOf(words: readonly string[]): Promise<string> {
  const { code, out, err } = await runWords(words, ENV, ENDS_WITHIN_MS)
  expect({ code, out }, `${words.join(' ')}: ${err}`).toEqual({ code: EXIT.usage, out: '' })
  return err
}

/** Words that a command takes: an argument is what it may be, or a text. */
function argumentsOf({ command }: Leaf): string[] {
  return command.registeredArguments
    .filter(({ required }) => required)
    .map(({ argChoices }) => argChoices?.[0] ?? 'x')
}

/** Those of simulators are handed on to a program of their own. */
const OWN = LEAVES.filter(({ name }) => !name.startsWith('simulator '))

const named = (leaves: readonly Leaf[]) => leaves.map((leaf) => [leaf.name, leaf] as const)
const isVariadic = ({ command }: Leaf) => command.registeredArguments.some((one) => one.variadic)
const needsWords = ({ command: { registeredArguments, options } }: Leaf) =>
  registeredArguments.some(({ required }) => required) || options.some(({ mandatory }) => mandatory)

describe('a command', () => {
  test.each(named(OWN))('%s names an option that it does not know', async (name, leaf) => {
    const err = await usageOf([...name.split(' '), ...argumentsOf(leaf), '--no-such-option'])
    expect(err).toMatch(/^error: (unknown option '--no-such-option'|required option)/)
  })

  test.each(named(OWN.filter((leaf) => !isVariadic(leaf))))(
    '%s tells that a word is one too many',
    async (name, { command }) => {
      const words = command.registeredArguments.map(({ argChoices }) => argChoices?.[0] ?? 'x')
      expect(await usageOf([...name.split(' '), ...words, 'too-many'])).toMatch(/^error: /)
    },
  )

  test.each(named(OWN.filter(needsWords)))('%s names what it needs', async (name) => {
    const err = await usageOf(name.split(' '))
    expect(err).toMatch(/^error: (missing required argument|required option) '/)
  })
})

test.each(GROUPS)('%s names a command that it does not have', async (group) => {
  expect(await usageOf([group, 'no-such-command'])).toMatch(/^error: /)
})
