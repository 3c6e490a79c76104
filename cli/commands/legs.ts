/** `groundstop legs`: the legs of the book, and packs of real flights. */
import type { Command } from 'commander'

import { cutLegPack } from '../../domain/leg-pack.ts'
import { parseLocalDate, type LocalDate } from '../../domain/time.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { readLegPackFile, SHIPPED_PACK, writeLegPackFile } from '../flights/leg-pack-file.ts'
import { addLegReads } from '../reads/leg-reads.ts'

type CutOptions = {
  readonly from: string
  readonly to: string
  readonly flights: string
  readonly out: string
}

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  const legs = program.command('legs').description('legs of the book; packs of real flights')
  legs
    .command('cut')
    .description('write the legs of some days to a pack of their own')
    .requiredOption('--from <date>', 'first origin-local date, YYYY-MM-DD')
    .requiredOption('--to <date>', 'last origin-local date, itself included')
    .requiredOption('--out <file>', 'the pack to write, gzip')
    .option('--flights <file>', 'the pack to cut from', SHIPPED_PACK)
    .action(async (options: CutOptions) => cut(options, context))
  addLegReads(legs, context)
}

async function cut(options: CutOptions, context: CliContext): Promise<void> {
  const from = dateOf('--from', options.from)
  const to = dateOf('--to', options.to)
  if (to < from) throw new CliError(`--to ${to} is before --from ${from}`, EXIT.usage)
  const pack = cutLegPack(await readLegPackFile(options.flights), from, to)
  if (pack.legs.length === 0) {
    throw new CliError(`${options.flights} has no leg from ${from} to ${to}`)
  }
  await writeLegPackFile(options.out, pack)
  context.stdout.write(`${pack.legs.length} legs from ${from} to ${to} in ${options.out}\n`)
}

function dateOf(option: string, text: string): LocalDate {
  try {
    return parseLocalDate(text)
  } catch (cause) {
    throw new CliError(`${option}: ${text} is not a date YYYY-MM-DD`, EXIT.usage, { cause })
  }
}
