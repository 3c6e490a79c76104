/** `groundstop backtest`: what a product would have paid on real flights. */
import { Option, type Command } from 'commander'

import { REFERENCE_PRODUCTS, type Product } from '../../domain/product.ts'
import { parseProduct, ProductError } from '../../domain/product-rules.ts'
import {
  PROVIDER_STRATEGIES,
  type ProviderStrategyName,
} from '../../domain/simulation/provider-strategies.ts'
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
import { compareBacktests } from '../../operations/compare-backtests.ts'
import { comparisonLines } from '../backtest/comparison-lines.ts'
import { accuracyLines, groupLines, summaryLines } from '../backtest/summary-lines.ts'
import { faultTable, parseFault } from '../flights/fault-option.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { readBytes, readLegPackFile, SHIPPED_PACK, writeOutput } from '../flights/leg-pack-file.ts'

type Options = {
  readonly flights: string
  readonly product: string
  readonly against?: string
  readonly provider: ProviderStrategyName
  readonly againstProvider?: ProviderStrategyName
  readonly sources: SourceStrategy
  readonly againstSources?: SourceStrategy
  readonly fault: readonly string[]
  readonly limit: string
  readonly by?: string
  readonly out?: string
  readonly seed: string
  readonly json: boolean
}

const CODES = REFERENCE_PRODUCTS.map(({ code }) => code)
const SOURCES: readonly SourceStrategy[] = ['single', 'two-sources']
const PROVIDERS = Object.keys(PROVIDER_STRATEGIES)
/** Beyond this a list is for a file: `--json` and a tool that reads it. */
const GREATEST_LIMIT = 100_000

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  program
    .command('backtest')
    .description('decide every leg of a pack of real flights on a virtual clock, without servers')
    .requiredOption('--product <code|file>', `${CODES.join(', ')} or a JSON file with a product`)
    .option('--flights <file>', 'leg pack, gzip or plain', SHIPPED_PACK)
    .option('--against <code|file>', 'compare with this product, and say which legs differ')
    .addOption(
      new Option('--provider <name>', 'what the flight data tells')
        .choices(PROVIDERS)
        .default('full'),
    )
    .addOption(
      new Option('--against-provider <name>', 'compare with this flight data').choices(PROVIDERS),
    )
    .addOption(
      new Option('--sources <strategy>', 'ask one source, or a second one before payments')
        .choices(SOURCES)
        .default('single'),
    )
    .addOption(
      new Option('--against-sources <strategy>', 'compare with so many sources').choices(SOURCES),
    )
    .option(
      '--fault <name[:first|second|both[:rate[:minutes]]]>',
      'a faulty source, as `conflict:first:0.1:30`; may be repeated; `all` tries each by itself',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--limit <n>', 'differing legs listed, the greatest difference first', '20')
    .option('--by <groups>', `totals by ${Object.keys(GROUPINGS).join(', ')}; joined by commas`)
    .option('--out <file>', 'write one line KEY=bps per decided leg, sorted by key')
    .addOption(
      new Option('--seed <n>', 'draws report lags and announcement times').default('1').hideHelp(),
    )
    .option('--json', 'print one JSON object', false)
    .action(async (options: Options) => run(options, context))
}

/** One product over what one provider, or two, tell. */
type Tried = {
  readonly product: Product
  readonly provider: ProviderStrategyName
  readonly sources: SourceStrategy
}

/** The same, tried on all flights. */
type Side = Tried & {
  readonly accuracy: Accuracy
  readonly results: readonly LegBacktest[]
  readonly summary: BacktestSummary
  readonly groups: Map<string, LegTotals> | null
  readonly seconds: number
}

async function run(options: Options, context: CliContext): Promise<void> {
  const by = groupingsOf(options.by)
  const seed = integerOf('--seed', options.seed)
  const limit = integerOf('--limit', options.limit)
  if (limit < 0 || limit > GREATEST_LIMIT) {
    throw new CliError(`--limit: from 0 to ${GREATEST_LIMIT}`, EXIT.usage)
  }
  const product = await productOf(options.product, '--product')
  const other = await otherSideOf(options, product)
  const isEveryFault = options.fault.length === 1 && options.fault[0] === 'all'
  const faults = isEveryFault ? [] : options.fault.map(parseFault)
  const pack = await readLegPackFile(options.flights)
  const { provider, sources } = options
  if (isEveryFault) {
    const input = { pack, products: [product], seed, sources }
    for (const line of faultTable(input, context.signal)) context.stdout.write(`${line}\n`)
    return
  }
  const tried = (side: Tried): Side => {
    const startedMs = performance.now()
    const products = [side.product]
    const strategy = { provider: PROVIDER_STRATEGIES[side.provider], sources: side.sources, faults }
    const results = decideAll({ pack, products, seed, ...strategy }, context)
    const seconds = (performance.now() - startedMs) / 1_000
    const groups = by.length === 0 ? null : groupTotals(results, 0, by)
    const accuracy = accuracyOf(results, pack, products, 0)
    return { ...side, results, summary: summarise(results, 0), accuracy, groups, seconds }
  }
  const first = tried({ product, provider, sources })
  if (options.out !== undefined) {
    const lines = decisionLines(first.results, 0).map((line) => `${line}\n`)
    await writeOutput(options.out, lines.join(''))
  }
  const second = other === null ? null : tried(other)
  context.stdout.write(`${outputOf({ first, second, by, limit }, options.json)}\n`)
}

/** What is compared with; null when nothing is. */
async function otherSideOf(
  { against, provider, againstProvider, sources, againstSources }: Options,
  product: Product,
): Promise<Tried | null> {
  if ([against, againstProvider, againstSources].every((one) => one === undefined)) return null
  return {
    sources: againstSources ?? sources,
    product: against === undefined ? product : await productOf(against, '--against'),
    provider: againstProvider ?? provider,
  }
}

type Outcome = {
  readonly first: Side
  readonly second: Side | null
  readonly by: readonly Grouping[]
  readonly limit: number
}

function outputOf({ first, second, by, limit }: Outcome, isJson: boolean): string {
  if (second === null) return isJson ? JSON.stringify(jsonOf(first)) : textOf(first, by)
  const comparison = compareBacktests(first.results, second.results)
  const shown = { ...comparison, differences: comparison.differences.slice(0, limit) }
  if (isJson) {
    const described = (side: Side) => ({
      provider: side.provider,
      sources: side.sources,
      ...jsonOf(side),
    })
    const against = described(second)
    return JSON.stringify({ ...described(first), against, comparison: shown })
  }
  const titled = (side: Side) =>
    `provider     ${side.provider}, ${side.sources}\n${textOf(side, by)}`
  return [titled(first), '', titled(second), '', ...comparisonLines(shown)].join('\n')
}

function jsonOf({ product, summary, accuracy, groups }: Side): Record<string, unknown> {
  const { falsePays, falseDenials } = accuracy
  return {
    product,
    ...summary,
    falsePays,
    falseDenials,
    ...(groups === null ? {} : { groups: Object.fromEntries(groups) }),
  }
}

function textOf(side: Side, by: readonly Grouping[]): string {
  const { product, summary, accuracy, seconds, groups } = side
  return [
    ...summaryLines(product, summary, seconds),
    ...accuracyLines(accuracy),
    ...groupLines(by, groups),
  ].join('\n')
}

function integerOf(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new CliError(`${option}: not a whole number`, EXIT.usage)
  return value
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

async function productOf(text: string, option: string): Promise<Product> {
  const reference = REFERENCE_PRODUCTS.find(({ code }) => code === text)
  if (reference !== undefined) return reference
  if (/^[A-Z0-9_-]+$/.test(text)) {
    throw new CliError(
      `${option}: there is no product ${text}; ${CODES.join(', ')} or a JSON file`,
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
