/** `groundstop polls`: when legs are asked about, and why then. */
import type { Command } from 'commander'

import type { CliContext } from '../context.ts'
import { addPollReads } from '../reads/leg-reads.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addPollReads(program.command('polls').description('when legs are polled, and why then'), context)
}
