/** Who asks for a change and why, as options of a command. */
import { userInfo } from 'node:os'

import type { Command } from 'commander'

import { NOTE_LIMIT } from '../domain/plain-text.ts'
import { CliError, EXIT } from './cli-error.ts'
import { noteTextOf } from './text-arguments.ts'

/** The options. */
export type NoteFlags = { readonly reason: string; readonly by?: string }

/** Adds `--reason` and `--by`. */
export function addNoteOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--by <name>', 'who; the user of this machine when left out')
}

/** Who acts on the command line when nobody is named. */
export function loginActor(): string {
  return `user:${userInfo().username}`
}

/** Both texts, checked. Throws CliError. */
export function noteOf(flags: NoteFlags): { readonly by: string; readonly reason: string } {
  return {
    by: textOf('--by', flags.by ?? loginActor()),
    reason: textOf('--reason', flags.reason),
  }
}

function textOf(option: string, text: string): string {
  const noted = noteTextOf(text)
  if (noted !== null) return noted
  const what = `1 to ${NOTE_LIMIT} characters, no control characters`
  throw new CliError(`${option} must have ${what}`, EXIT.usage)
}
