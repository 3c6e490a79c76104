/** `groundstop backtest`: what a product would have paid on real flights. */
import { Option, type Command } from 'commander'

import { REFERENCE_PRODUCTS, type Product } from '../../domain/product.ts'
import { parseProduct, ProductError } from '../../domain/product-rules.ts'
import {
  decisionLines,
  GROUPINGS,
  groupTotals,
  summarise,
  type BacktestSummary,
  type Grouping,
  type LegTotals,
} from '../../operations/backtest-report.ts'
import { accuracyOf, type Accuracy } from '../../operations/backtest-accuracy.ts'
import {
  backtest,
  DuplicateLegError,
  type LegBacktest,
  type SourceStrategy,
} from '../../operations/backtest.ts'
import { faultTable, parseFault } from '../flights/fault-option.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { readBytes, readLegPackFile, SHIPPED_PACK, writeOutput } from '../flights/leg-pack-file.ts'

type Options = {
  readonly flights: string
  readonly product: string
  readonly by?: string
  readonly out?: string
  readonly seed: string
  readonly sources: SourceStrategy
  readonly fault: readonly string[]
  readonly json: boolean
}

const CODES = REFERENCE_PRODUCTS.map(({ code }) => code)

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  program
    .command('backtest')
    .description('decide every leg of a pack of real flights on a virtual clock, without servers')
    .requiredOption('--product <code|file>', `${CODES.join(', ')} or a JSON file with a product`)
    .option('--flights <file>', 'leg pack, gzip or plain', SHIPPED_PACK)
    .option('--by <groups>', `totals by ${Object.keys(GROUPINGS).join(', ')}; joined by commas`)
    .option('--out <file>', 'write one line KEY=bps per decided leg, sorted by key')
    .addOption(
      new Option('--sources <strategy>', 'ask one source, or a second one before payments')
        .choices(['single', 'two-sources'])
        .default('single'),
    )
    .option(
      '--fault <name[:first|second|both[:rate[:minutes]]]>',
      'a faulty source, as `conflict:first:0.1:30`; may be repeated; `all` tries each by itself',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .addOption(
      new Option('--seed <n>', 'draws report lags and announcement times').default('1').hideHelp(),
    )
    .option('--json', 'print one JSON object', false)
    .action(async (options: Options) => run(options, context))
}

async function run(options: Options, context: CliContext): Promise<void> {
  const by = groupingsOf(options.by)
  const seed = Number(options.seed)
  if (!Number.isSafeInteger(seed)) throw new CliError('--seed: not a whole number', EXIT.usage)
  const isEveryFault = options.fault.length === 1 && options.fault[0] === 'all'
  const faults = isEveryFault ? [] : options.fault.map(parseFault)
  const product = await productOf(options.product)
  const pack = await readLegPackFile(options.flights)
  const { sources } = options
  const tried = { pack, products: [product], seed, sources, faults }
  if (isEveryFault) {
    for (const line of faultTable(tried, context.signal)) context.stdout.write(`${line}\n`)
    return
  }
  const startedMs = performance.now()
  const results = decideAll(tried, context)
  const seconds = (performance.now() - startedMs) / 1_000
  if (options.out !== undefined) {
    await writeOutput(
      options.out,
      decisionLines(results, 0)
        .map((line) => `${line}\n`)
        .join(''),
    )
  }
  const summary = summarise(results, 0)
  const accuracy = accuracyOf(results, pack, [product], 0)
  const groups = by.length === 0 ? null : groupTotals(results, 0, by)
  const text = options.json
    ? JSON.stringify({
        product,
        ...summary,
        falsePays: accuracy.falsePays,
        falseDenials: accuracy.falseDenials,
        ...(groups === null ? {} : { groups: Object.fromEntries(groups) }),
      })
    : [
        ...summaryLines(product, summary, seconds),
        ...accuracyLines(accuracy),
        ...groupLines(by, groups),
      ].join('\n')
  context.stdout.write(`${text}\n`)
}

function decideAll(input: Parameters<typeof backtest>[0], context: CliContext): LegBacktest[] {
  const isShown = 'isTTY' in context.stderr && context.stderr.isTTY === true
  const onProgress = (done: number, total: number) => {
    if (isShown) context.stderr.write(`\r${Math.floor((100 * done) / total)} % `)
  }
  try {
    return backtest(input, { onProgress, signal: context.signal })
  } catch (cause) {
    if (cause instanceof DuplicateLegError)
      throw new CliError(cause.message, EXIT.failed, { cause })
    throw cause
  } finally {
    if (isShown) context.stderr.write('\r        \r')
  }
}

async function productOf(text: string): Promise<Product> {
  const reference = REFERENCE_PRODUCTS.find(({ code }) => code === text)
  if (reference !== undefined) return reference
  if (/^[A-Z0-9_-]+$/.test(text)) {
    throw new CliError(
      `--product: there is no product ${text}; ${CODES.join(', ')} or a JSON file`,
      EXIT.usage,
    )
  }
  const json = (await readBytes(text)).toString('utf8')
  try {
    const parsed: unknown = JSON.parse(json)
    return parseProduct(parsed)
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof ProductError) {
      const what = cause instanceof SyntaxError ? `not JSON (${cause.message})` : cause.message
      throw new CliError(`${text}: ${what}`, EXIT.failed, { cause })
    }
    throw cause
  }
}

function groupingsOf(text: string | undefined): Grouping[] {
  if (text === undefined) return []
  const names = Object.keys(GROUPINGS)
  return text.split(',').map((part) => {
    const name = part.trim()
    if (!names.includes(name)) {
      throw new CliError(`--by: "${name}" is none of ${names.join(', ')}`, EXIT.usage)
    }
    return name as Grouping // checked above
  })
}

function summaryLines(product: Product, summary: BacktestSummary, seconds: number): string[] {
  const { worstDay, detectionMin: detection } = summary
  const worst =
    worstDay === null
      ? 'none'
      : `${worstDay.date}, ${percent(worstDay.burn)} of the sum insured of ${worstDay.legs} legs`
  return [
    `product      ${product.code} version ${product.version}`,
    `legs         ${summary.legs}, decided in ${seconds.toFixed(1)} s`,
    `paying legs  ${summary.paying} (${percent(summary.legs === 0 ? 0 : summary.paying / summary.legs)})`,
    `burn         ${percent(summary.burn)} of the sum insured`,
    `worst day    ${worst}`,
    `in review    ${summary.inReview}`,
    `polls        ${summary.pollsPerLeg.toFixed(2)} a leg, ${summary.secondPollsPerLeg.toFixed(2)} of the second source`,
    `arrival seen p50 ${detection.p50.toFixed(1)}, p95 ${detection.p95.toFixed(1)}, p99 ${detection.p99.toFixed(1)} min after it is shown`,
  ]
}

function accuracyLines({ falsePays, falseDenials }: Accuracy): string[] {
  return [`wrong        ${falsePays} paid too much, ${falseDenials} too little or not at all`]
}

function groupLines(
  by: readonly Grouping[],
  groups: ReadonlyMap<string, LegTotals> | null,
): string[] {
  if (groups === null) return []
  const rows = [...groups].map(([name, totals]) => [
    ...name.split('|'),
    String(totals.legs),
    String(totals.paying),
    percent(totals.burn),
    String(totals.inReview),
  ])
  const table = [[...by, 'legs', 'paying', 'burn', 'in review'], ...rows]
  const widths = (table[0] ?? []).map((_, i) =>
    Math.max(...table.map((row) => row[i]?.length ?? 0)),
  )
  return ['', ...table.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '))]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
