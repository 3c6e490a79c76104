/** `groundstop decisions export FILE`: writes what was decided, one line per policy. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import type { Command } from 'commander'

import { ConfigError, loadConfig } from '../../config/config.ts'
import { createDatabase } from '../../db/client.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { exportDecisions } from '../../operations/export-decisions.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'

/** Lines per write: 100 kB at a time. */
const LINES_PER_CHUNK = 1_000

const STDOUT = '-'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const decisions = program.command('decisions').description('what was decided')
  decisions
    .command('export')
    .description('write one line per decided policy, ordered by policy number')
    .argument('<file>', 'the file to write; - for standard output')
    .addHelpText(
      'after',
      '\nA line: policy number,leg key,outcome,basis points,amount in minor units,payout id,' +
        'transfer id\nShare and amount are those of all payouts; ids of further payouts follow the first, ' +
        'joined by ;\nThe last two are empty when there are none. There is no header line.\n',
    )
    .action((file: string) => exportFile(context, file))
}

async function exportFile(context: CliContext, file: string): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  if (secrets.databaseUrl === null) {
    const message = 'must be set to export decisions, or an instance must be running'
    throw new ConfigError([{ variable: 'DATABASE_URL', message }])
  }
  await using db = createDatabase(secrets.databaseUrl, {
    max: config.database.poolMax,
    applicationName: 'groundstop-export',
  })
  await assertSchemaCurrent(db)
  const { signal } = context
  const counted = { lines: 0 }
  const chunks = chunked(
    exportDecisions({ policyStore: createPolicyStore(db) }, { signal }),
    counted,
  )
  if (file === STDOUT) {
    await writeToPipe(context, chunks)
    return
  }
  await writeWhole(file, chunks, signal)
  context.stdout.write(`${counted.lines} decisions written to ${file}\n`)
}

async function writeToPipe(context: CliContext, chunks: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(chunks, context.stdout, { end: false, signal: context.signal })
  } catch (error) {
    // The reader has seen enough, as `head` does.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
  }
}

async function* chunked(
  lines: AsyncIterable<string>,
  counted: { lines: number },
): AsyncGenerator<string, void> {
  let chunk: string[] = []
  for await (const line of lines) {
    counted.lines += 1
    chunk.push(line, '\n')
    if (chunk.length >= 2 * LINES_PER_CHUNK) {
      yield chunk.join('')
      chunk = []
    }
  }
  if (chunk.length > 0) yield chunk.join('')
}

/** A file that is there is whole: it is written beside and put in place at the end. */
async function writeWhole(
  file: string,
  chunks: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`
  try {
    await pipeline(chunks, createWriteStream(draft), { signal })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    if (signal.aborted || !isFileError(error)) throw error
    throw new CliError(`${file}: cannot be written: ${error.message}`, 1, { cause: error })
  }
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && 'path' in error
}
