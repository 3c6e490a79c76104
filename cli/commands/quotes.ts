/** `groundstop quotes`: what cover would cost, and binding it. */
import { randomUUID } from 'node:crypto'

import { InvalidArgumentError, type Command } from 'commander'

import { loadAirportZones } from '../../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../../adapters/flights/aeroapi.ts'
import { lazyDelayHistory } from '../../adapters/rates/delay-history.ts'
import { ConfigError, loadConfig } from '../../config/config.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { createQuoteStore } from '../../db/stores/quote-store.ts'
import { parseCoverRow, type CoverRow } from '../../domain/policy-row.ts'
import type { Quote } from '../../domain/quote.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import { shownQuote } from '../../domain/shown-quote.ts'
import { bindQuote, type QuoteBound } from '../../operations/bind-quote.ts'
import { createQuote } from '../../operations/create-quote.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { ProviderSilentError } from '../../operations/leg-for-sale.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { loginActor } from '../note-options.ts'
import { moneyText } from '../screen/lines.ts'
import { fieldLines, timeText } from '../screen/table.ts'
import { parseTenant } from '../tenant-argument.ts'
import { isUuid } from '../text-arguments.ts'

type CreateFlags = {
  readonly product: string
  readonly flight: string
  readonly from: string
  readonly to: string
  readonly date: string
  readonly sum: string
  readonly currency: string
  readonly ttl?: number
  readonly tenant: string
  readonly json: boolean
}

type BindFlags = { readonly payee: string; readonly number?: string; readonly json: boolean }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const quotes = program.command('quotes').description('what cover would cost; binding it')
  quotes
    .command('create')
    .description('quote cover of one flight: premium, what each outcome pays, until when it holds')
    .requiredOption('--product <code>', 'the product, as FD45; its latest version is quoted')
    .requiredOption('--flight <ident>', 'carrier and number as sold, as B635')
    .requiredOption('--from <airport>', 'IATA code')
    .requiredOption('--to <airport>', 'IATA code')
    .requiredOption('--date <date>', 'departure date at the origin, YYYY-MM-DD')
    .requiredOption('--sum <amount>', 'sum insured in major units, as 250.00')
    .option('--currency <code>', 'ISO 4217', 'USD')
    .option('--ttl <seconds>', "how long the quote holds; the product's when left out", secondsOf)
    .option('--tenant <name>', 'whose policy it becomes', parseTenant, DEFAULT_TENANT)
    .option('--json', 'print one JSON object, as the API gives it', false)
    .action((flags: CreateFlags) => create(context, flags))
  quotes
    .command('show')
    .description('print one quote')
    .argument('<id>', 'quote id')
    .option('--json', 'print one JSON object, as the API gives it', false)
    .action((id: string, { json }: { json: boolean }) => show(context, id, json))
  quotes
    .command('bind')
    .description('make a policy of a quote')
    .argument('<id>', 'quote id')
    .requiredOption('--payee <ref>', 'where payouts go to')
    .option('--number <number>', 'policy number; Q- and the quote id when left out')
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: BindFlags) => bind(context, id, flags))
}

const LEAST_TTL_S = 60
const GREATEST_TTL_S = 86_400

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= LEAST_TTL_S && seconds <= GREATEST_TTL_S) {
    return seconds
  }
  throw new InvalidArgumentError(`whole seconds from ${LEAST_TTL_S} to ${GREATEST_TTL_S}`)
}

async function create(context: CliContext, flags: CreateFlags): Promise<void> {
  const cover = coverOf(flags)
  await using desk = await openDesk(context)
  await ensureProducts(desk.deps)
  const request = {
    cover,
    ref: randomUUID(),
    tenant: flags.tenant,
    ...(flags.ttl === undefined ? {} : { ttlS: flags.ttl }),
  }
  const created = await createQuote(desk.deps, request, context.signal).catch(providerSilent)
  if (!created.ok) {
    const { field, reason } = created.refusal
    throw new CliError(`no quote: ${OPTIONS[field] ?? field}: ${reason}`)
  }
  const shown = shownQuote(created.quote, await desk.deps.clock.now())
  print(context, flags.json, shown, quoteLines(created.quote, shown.state))
}

/** What the columns are called here. */
const OPTIONS: Readonly<Record<string, string>> = {
  product: '--product',
  carrier: '--flight',
  flight_number: '--flight',
  origin: '--from',
  destination: '--to',
  departure_date: '--date',
  sum_insured: '--sum',
  currency: '--currency',
}

function coverOf(flags: CreateFlags): CoverRow {
  const [, carrier = '', number = ''] = /^\s*([A-Za-z0-9]{2})\s*(\S+)\s*$/.exec(flags.flight) ?? []
  const parsed = parseCoverRow({
    product: flags.product,
    carrier,
    flight_number: number,
    origin: flags.from,
    destination: flags.to,
    departure_date: flags.date,
    sum_insured: flags.sum,
    currency: flags.currency,
  })
  if (parsed.ok) return parsed.row
  const named = parsed.problems.map(({ field, reason }) => `${OPTIONS[field] ?? field}: ${reason}`)
  throw new CliError(named.join('\n'), EXIT.usage)
}

async function show(context: CliContext, id: string, isJson: boolean): Promise<void> {
  await using database = await openDatabase(context)
  await assertSchemaCurrent(database.db)
  const quote = isUuid(id) ? await createQuoteStore(database.db).find(id) : null
  if (quote === null) throw new CliError(`there is no quote ${id}`)
  const now = await createVirtualClock(createClockStore(database.db)).now()
  const shown = shownQuote(quote, now)
  print(context, isJson, shown, quoteLines(quote, shown.state))
}

async function bind(context: CliContext, id: string, flags: BindFlags): Promise<void> {
  if (!isUuid(id)) throw new CliError(`there is no quote ${id}`)
  await using desk = await openDesk(context)
  const { payee: payeeRef, number } = flags
  const named = number === undefined ? {} : { policyNumber: number }
  const input = { quoteId: id, payeeRef, by: loginActor(), ...named }
  const bound = await bindQuote(desk.deps, input, context.signal).catch(providerSilent)
  if (bound.kind !== 'bound') throw new CliError(refusalText(id, bound))
  const { policyNumber } = bound.quote
  const text = bound.isNew ? `bound as policy ${policyNumber}` : `is policy ${policyNumber} already`
  print(context, flags.json, { quoteId: id, policyNumber, isNew: bound.isNew }, [text])
}

function refusalText(id: string, bound: Exclude<QuoteBound, { readonly kind: 'bound' }>): string {
  switch (bound.kind) {
    case 'declined':
      return `quote ${id} is declined: ${bound.quote.declined?.field}: ${bound.quote.declined?.reason}`
    case 'lapsed':
      return `quote ${id} lapsed at ${bound.quote.expiresAt}: make a new one`
    case 'bound-otherwise':
      return `quote ${id} was bound as policy ${bound.quote.policyNumber}, with other particulars`
    case 'number-taken':
      return '--number: is the number of another policy'
    case 'invalid':
      return bound.problems.map(({ field, reason }) => `${field}: ${reason}`).join('\n')
    case 'no-quote':
      return `there is no quote ${id}`
  }
}

function providerSilent(error: unknown): never {
  if (!(error instanceof ProviderSilentError)) throw error
  throw new CliError(`${error.message}; try again`, EXIT.failed, { cause: error })
}

/** All that quoting and binding works over; `await using` it. */
async function openDesk(context: CliContext) {
  const { config, secrets } = loadConfig(context.env)
  if (secrets.aeroapiKey === null) {
    const message = 'must be set to quote and bind, or an instance must be running'
    throw new ConfigError([{ variable: 'AEROAPI_KEY', message }])
  }
  await using stack = new AsyncDisposableStack()
  const { db } = stack.use(await openDatabase(context))
  await assertSchemaCurrent(db)
  const clock = createVirtualClock(createClockStore(db))
  const { url: baseUrl, ratePerS, concurrency } = config.aeroapi
  const [apiKey, airports] = [secrets.aeroapiKey, loadAirportZones()]
  const options = { baseUrl, apiKey, ratePerS, concurrency, airports, clock }
  const flightData = stack.use(createAeroApiProvider(options))
  const owned = stack.move()
  return {
    deps: {
      quoteStore: createQuoteStore(db),
      productStore: createProductStore(db),
      flightData,
      delayHistory: lazyDelayHistory(),
      clock,
      capacityMinor: config.underwriting.capacityMinor,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function print(
  context: CliContext,
  isJson: boolean,
  value: unknown,
  lines: readonly string[],
): void {
  context.stdout.write(`${isJson ? JSON.stringify(value) : lines.join('\n')}\n`)
}

function quoteLines(quote: Quote, state: Quote['state']): string[] {
  const { leg, sold, product, rate, amounts, currency } = quote
  const money = (minor: number) => moneyText(String(minor), currency)
  const burn = (rate.paidBps / rate.observations / 100).toFixed(2)
  return fieldLines([
    ['quote', quote.quoteId],
    ['state', state],
    ['product', `${product.code} version ${product.version}`],
    ['flight', `${sold.carrier}${sold.flightNumber} ${leg.origin}-${leg.destination}`],
    ['operated as', `${leg.carrier}${leg.flightNumber}`],
    ['departs', timeText(leg.scheduledOut)],
    ['arrives', timeText(leg.scheduledIn)],
    ['sum insured', money(quote.sumInsuredMinor)],
    ['premium', money(quote.premiumMinor)],
    ...amounts.tiers.map(
      ({ minDelayMin, amountMinor }) =>
        [`pays from ${minDelayMin} min`, money(amountMinor)] as [string, string],
    ),
    ['pays if cancelled', money(amounts.cancelledMinor)],
    ['pays if not reached', money(amounts.notReachedMinor)],
    ['rate', `${burn} % of ${rate.observations} past legs of this ${rate.basis.toLowerCase()}`],
    ['holds until', timeText(quote.expiresAt)],
    ['declined', quote.declined?.reason ?? null],
    ['policy', quote.policyNumber],
  ])
}
