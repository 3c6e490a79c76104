/** A desk that sells: quotes and bindings over a database of its own, on a clock moved by hand. */
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { createQuoteStore } from '../../db/stores/quote-store.ts'
import type { DelayHistory } from '../../domain/delay-history.ts'
import { parseCoverRow } from '../../domain/policy-row.ts'
import type { RawPolicyRow } from '../../domain/policy-row.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import type { Product } from '../../domain/product.ts'
import { REFERENCE_PRODUCTS } from '../../domain/product.ts'
import { addMs, HOUR_MS } from '../../domain/time.ts'
import { DEFAULT_UNDERWRITING } from '../../domain/underwriting.ts'
import type { Underwriting } from '../../domain/underwriting.ts'
import { bindQuote } from '../../operations/bind-quote.ts'
import { createQuote } from '../../operations/create-quote.ts'
import type { CreatedQuote } from '../../operations/create-quote.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { importPolicies } from '../../operations/import-policies.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { B6_35, CAPACITY_MINOR, fakeFlightData, manualClock, placed, rowOf } from './builders.ts'
import { createTestDatabase } from './database.ts'

/** Twenty legs of every flight, four of them an hour and three quarters late or worse. */
export const EVEN_HISTORY: DelayHistory = {
  from: '2013-01-01',
  to: '2013-02-28',
  ofFlight: () => ({ observations: 20, cancelled: 1, notReached: 0, lateMin: [20, 105, 130, 190] }),
  ofRoute: () => null,
}

/** Three days before the reference leg departs. */
export const QUOTED_AT = addMs(B6_35.scheduledOut, -72 * HOUR_MS)

/** What the desk is opened with. */
export type DeskOptions = {
  readonly legs?: readonly ScheduledLeg[]
  readonly terms?: Partial<Underwriting>
  readonly capacityMinor?: number
  readonly delayHistory?: DelayHistory
}

/** Opens a desk; `await using` it. Product `FD45` has the terms given. */
export async function quoteDesk(options: DeskOptions = {}) {
  const own = await createTestDatabase()
  const { db } = own
  const clock = manualClock(QUOTED_AT)
  const flightData = fakeFlightData(options.legs ?? [B6_35])
  const productStore = createProductStore(db)
  await ensureProducts({ productStore }, { products: products(options.terms) })
  const quoteStore = createQuoteStore(db)
  const capacityMinor = options.capacityMinor ?? CAPACITY_MINOR
  const delayHistory = () => Promise.resolve(options.delayHistory ?? EVEN_HISTORY)
  const deps = { quoteStore, productStore, flightData, clock, delayHistory, capacityMinor }
  let refs = 0
  const quote = (change: RawPolicyRow = {}, leg = B6_35, ref = `ref-${(refs += 1)}`) =>
    createQuote(deps, { cover: coverOf(leg, change), ref })
  return {
    db,
    clock,
    flightData,
    quoteStore,
    quote,
    /** The id of a quote that must come about. */
    quoteId: async (change: RawPolicyRow = {}, leg = B6_35) => idOf(await quote(change, leg)),
    bind: (quoteId: string, policyNumber?: string, payeeRef = 'acct_1') =>
      bindQuote(deps, {
        quoteId,
        payeeRef,
        ...(policyNumber === undefined ? {} : { policyNumber }),
      }),
    import: (rows: readonly RawPolicyRow[]) =>
      importPolicies({ ...deps, policyStore: createPolicyStore(db) }, placed(rows)),
    verify: () => verifyBooks({ ledgerStore: createLedgerStore(db) }),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

/** What `quoteDesk` gives. */
export type QuoteDesk = Awaited<ReturnType<typeof quoteDesk>>

function products(terms: Partial<Underwriting> = {}): Product[] {
  const underwriting = { ...DEFAULT_UNDERWRITING, ...terms }
  return REFERENCE_PRODUCTS.map((product) =>
    product.code === 'FD45' ? { ...product, underwriting } : product,
  )
}

function coverOf(leg: ScheduledLeg, change: RawPolicyRow) {
  const parsed = parseCoverRow({ ...rowOf(leg, 'none'), ...change })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.row
}

function idOf(created: CreatedQuote): string {
  if (!created.ok) throw new Error(created.refusal.reason)
  return created.quote.quoteId
}
