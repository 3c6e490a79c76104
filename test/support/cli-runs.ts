/** Command lines in this process, with what they print and how they end. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import { runCommandLine } from '../../cli/command-line.ts'

/** How one command line ended. */
export type CliRun = {
  /** Null: it had not ended when its time was over. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs words to their end, or until `endsWithinMs` are over. */
export async function runWords(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  endsWithinMs: number,
): Promise<CliRun> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([text(stdout), text(stderr)])
  const late = new AbortController()
  const { signal } = new AbortController()
  const code = await Promise.race([
    runCommandLine(words, { env, stdout, stderr, signal }),
    sleep(endsWithinMs, null, { signal: late.signal, ref: false }),
  ])
  late.abort()
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { code, out, err }
}
