/** The files of the commands, and how each is added: `cli/commands/jobs.ts` is `groundstop jobs`. */
import { readdir } from 'node:fs/promises'
import type { Command } from 'commander'

import type { CliContext } from './context.ts'

type Register = (program: Command, context: CliContext) => void

const COMMANDS = new URL('./commands/', import.meta.url)
const ENDING = '.ts'

/** The names of all commands, sorted. */
export async function commandNames(): Promise<string[]> {
  const files = await readdir(COMMANDS)
  return files
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .toSorted()
}

/** Adds the command of this name, one of `commandNames`. Only its own file and what that needs is loaded. */
export async function addCommand(
  program: Command,
  context: CliContext,
  name: string,
): Promise<void> {
  const file = new URL(`${name}${ENDING}`, COMMANDS)
  const module: { register: Register } = await import(file.href)
  module.register(program, context)
}
