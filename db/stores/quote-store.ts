/** Quotes in Postgres: kept, looked up, bound with everything that binding is, or closed without. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type { LegFacts } from '../../domain/leg-facts.ts'
import { legKey } from '../../domain/leg.ts'
import type { LegIdentity } from '../../domain/leg.ts'
import type { Currency, MinorUnits } from '../../domain/money.ts'
import type { ScheduledLeg } from '../../domain/ports/flight-data-provider.ts'
import type { NewLeg, NewPolicy } from '../../domain/ports/policy-store.ts'
import type {
  BoundQuote,
  NewQuote,
  QuoteBinding,
  QuoteStore,
} from '../../domain/ports/quote-store.ts'
import type { Rate } from '../../domain/premium.ts'
import type { Product } from '../../domain/product.ts'
import type { Quote, QuotedAmounts, QuoteState } from '../../domain/quote.ts'
import type { Instant } from '../../domain/time.ts'
import { clusterRefusal, factsRefusal, POOL_SHORT, saleRefusal } from '../../domain/underwriting.ts'
import type { Refusal, Underwriting } from '../../domain/underwriting.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { bindPage, insertLegs } from './policy-binding.ts'
import { readSaleState } from './sale-gate.ts'
import { foreignHolders } from './tenant-holders.ts'
import { factsOf, watchedLegColumns, watchedLegOf } from './watched-leg.ts'
import type { WatchedLegRow } from './watched-leg.ts'

/** The quote store over a database. */
export function createQuoteStore(db: Database): QuoteStore {
  return {
    create: (quote) => create(db, quote),
    readSaleState: (product) => readSaleState(db, product),
    find: async (quoteId) => (await read(db, quoteId))?.quote ?? null,
    foreignHolders: (holders) => foreignHolders(db, holders),
    bind: (binding) => retriedTransaction(db, (trx) => bind(trx, binding)),
  }
}

async function create(db: Database, quote: NewQuote): Promise<Quote> {
  const { leg, sold } = quote
  const { carrier, flightNumber, origin, destination } = leg
  const operating = { ...sold, carrier, flightNumber, origin, destination }
  const { rows } = await sql<{ id: string }>`
    with named as (select groundstop_id('quote|' || ${quote.ref}) as id),
    kept as (
      insert into quote (id, product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
        premium_minor, rate, terms, amounts, quoted_at, expires_at, tenant)
      select id, ${quote.productVersionId}::uuid, ${legKey(operating)}, ${json(sold)}::jsonb,
        ${json(leg)}::jsonb, ${quote.sumInsuredMinor}::bigint, ${quote.currency},
        ${quote.premiumMinor}::bigint, ${json(quote.rate)}::jsonb, ${json(quote.terms)}::jsonb,
        ${json(quote.amounts)}::jsonb, ${quote.quotedAt}::timestamptz,
        ${quote.expiresAt}::timestamptz, ${quote.tenant}
      from named
      on conflict (id) do nothing
    )
    select id from named`.execute(db)
  const stored = await read(db, rows[0]?.id ?? '')
  if (stored === null) throw new Error(`the quote of ${quote.ref} was not kept`)
  return stored.quote
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

type QuoteRow = {
  readonly id: string
  readonly product_version_id: string
  readonly rules: Product
  readonly leg_key: string
  readonly sold: LegIdentity
  readonly leg: ScheduledLeg
  readonly sum_insured_minor: MinorUnits
  readonly currency: Currency
  readonly premium_minor: MinorUnits
  readonly rate: Rate
  readonly terms: Underwriting
  readonly amounts: QuotedAmounts
  readonly quoted_at: Instant
  readonly expires_at: Instant
  readonly state: QuoteState
  readonly declined: Quote['declined']
  readonly policy_number: string | null
  readonly payee_ref: string | null
  readonly tenant: string
}

type StoredQuote = { readonly quote: Quote; readonly payeeRef: string | null }

async function read(db: Database | Transaction<DB>, quoteId: string): Promise<StoredQuote | null> {
  const { rows } = await sql<QuoteRow>`
    select q.id, q.product_version_id, v.rules, q.leg_key, q.sold, q.leg, q.sum_insured_minor,
      q.currency, q.premium_minor, q.rate, q.terms, q.amounts, q.quoted_at, q.expires_at, q.state,
      q.declined, q.tenant, p.policy_number, p.payee_ref
    from quote q
    join product_version v on v.id = q.product_version_id
    left join policy p on p.id = q.policy_id
    where q.id = ${quoteId}::uuid`.execute(db)
  const [row] = rows
  return row === undefined ? null : { quote: quoteOf(row), payeeRef: row.payee_ref }
}

function quoteOf(row: QuoteRow): Quote {
  return {
    quoteId: row.id,
    productVersionId: row.product_version_id,
    product: row.rules,
    sold: row.sold,
    leg: row.leg,
    sumInsuredMinor: row.sum_insured_minor,
    currency: row.currency,
    premiumMinor: row.premium_minor,
    rate: row.rate,
    terms: row.terms,
    amounts: row.amounts,
    quotedAt: row.quoted_at,
    expiresAt: row.expires_at,
    state: row.state,
    declined: row.declined,
    policyNumber: row.policy_number,
    tenant: row.tenant,
  }
}

/** The quote's row is locked first: of two binders of one quote the second finds it closed. */
async function bind(trx: Transaction<DB>, binding: QuoteBinding): Promise<BoundQuote | null> {
  const { quoteId, page } = binding
  await sql`select id from quote where id = ${quoteId}::uuid for update`.execute(trx)
  const stored = await read(trx, quoteId)
  if (stored === null) return null
  const [policy] = page.policies
  const [leg] = page.legs
  if (policy === undefined || leg === undefined || page.policies.length > 1) {
    throw new RangeError('a quote becomes one policy')
  }
  const { quote } = stored
  if (quote.state !== 'QUOTED') return closed(stored, policy)
  if (page.now >= quote.expiresAt) return await close(trx, quoteId, 'LAPSED', page.now)
  if (binding.refusal !== null) return await decline(trx, binding, binding.refusal)
  await sql`savepoint binding`.execute(trx)
  const refusal = await insure(trx, binding, quote, { leg, policy })
  if (refusal !== null) {
    // Neither a leg that nobody insured nor a currency's founding capital stays behind.
    await sql`rollback to savepoint binding`.execute(trx)
    if (refusal === 'number-taken') return { kind: 'number-taken' }
    return await decline(trx, binding, refusal)
  }
  await sql`
    update quote set state = 'BOUND', policy_id = groundstop_id('policy|' || ${policy.policyNumber}),
      closed_at = ${page.now}::timestamptz, updated_at = now()
    where id = ${quoteId}::uuid and state = 'QUOTED'`.execute(trx)
  return { kind: 'bound', quote: await reread(trx, quoteId), isNew: true }
}

/** Binds the policy unless a gate of the data that is locked here refuses it. */
async function insure(
  trx: Transaction<DB>,
  { page }: QuoteBinding,
  quote: Quote,
  { leg, policy }: { readonly leg: NewLeg; readonly policy: NewPolicy },
): Promise<Refusal | 'number-taken' | null> {
  const notSold = saleRefusal(await readSaleState(trx, quote.product.code))
  if (notSold !== null) return notSold
  await insertLegs(trx, [leg])
  // Every sale on a leg takes turns from here, so that each sees what the others have sold.
  const locked = await sql<WatchedLegRow & { id: string; facts: LegFacts }>`
    select l.id, ${watchedLegColumns} from flight_leg l
    where l.id = groundstop_id('leg|' || ${leg.legKey} || '|1') for update`.execute(trx)
  const [watched] = locked.rows
  if (watched === undefined) throw new Error(`leg ${leg.legKey} was not stored`)
  const known = factsRefusal({ ...watchedLegOf(watched), ...scheduleOf(policy) }, factsOf(watched))
  if (known !== null) return known
  const { rows } = await sql<{ insured: string }>`
    select coalesce(sum(sum_insured_minor), 0)::text as insured from policy
    where leg_id = ${watched.id}::uuid and currency = ${policy.currency}
      and state not in ('CANCELLED_BY_HOLDER', 'DECLINED')`.execute(trx)
  const insured = BigInt(rows[0]?.insured ?? '0')
  const crowded = clusterRefusal(insured, policy.sumInsuredMinor, quote.terms)
  if (crowded !== null) return crowded
  const { poolShort, alreadyBound } = await bindPage(trx, page)
  if (alreadyBound.length > 0) return 'number-taken'
  return poolShort.length > 0 ? POOL_SHORT : null
}

function scheduleOf(policy: NewPolicy) {
  return { scheduledOut: policy.insuredScheduledOut, scheduledIn: policy.insuredScheduledIn }
}

function closed({ quote, payeeRef }: StoredQuote, policy: NewPolicy): BoundQuote {
  switch (quote.state) {
    case 'BOUND': {
      const isSame = quote.policyNumber === policy.policyNumber && payeeRef === policy.payeeRef
      return isSame ? { kind: 'bound', quote, isNew: false } : { kind: 'bound-otherwise', quote }
    }
    case 'DECLINED':
      return { kind: 'declined', quote }
    case 'LAPSED':
      return { kind: 'lapsed', quote }
    case 'QUOTED':
      throw new Error(`quote ${quote.quoteId} is open`)
  }
}

async function decline(
  trx: Transaction<DB>,
  { quoteId, page }: QuoteBinding,
  refusal: Refusal,
): Promise<BoundQuote> {
  return await close(trx, quoteId, 'DECLINED', page.now, refusal)
}

async function close(
  trx: Transaction<DB>,
  quoteId: string,
  state: 'DECLINED' | 'LAPSED',
  at: Instant,
  refusal: Refusal | null = null,
): Promise<BoundQuote> {
  await sql`
    update quote set state = ${state}, closed_at = ${at}::timestamptz, updated_at = now(),
      declined = ${refusal === null ? null : json(refusal)}::jsonb
    where id = ${quoteId}::uuid and state = 'QUOTED'`.execute(trx)
  return { kind: state === 'DECLINED' ? 'declined' : 'lapsed', quote: await reread(trx, quoteId) }
}

async function reread(trx: Transaction<DB>, quoteId: string): Promise<Quote> {
  const stored = await read(trx, quoteId)
  if (stored === null) throw new Error(`quote ${quoteId} vanished`)
  return stored.quote
}
