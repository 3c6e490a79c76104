/** `groundstop reviews`: what waits for people. */
import type { Command } from 'commander'

import type { CliContext } from '../context.ts'
import { addReviewReads } from '../reads/review-reads.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addReviewReads(program.command('reviews').description('what waits for people'), context)
}
