/**
 * Takes a book of policies in: checks rows, looks their legs up in the provider's timetable, freezes the
 * schedule and binds page by page. Knows rows, not files.
 */
import { legKey } from '../domain/leg.ts'
import { parsePolicyRow } from '../domain/policy-row.ts'
import type { PolicyRow, RawPolicyRow } from '../domain/policy-row.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import { MAX_BIND_PAGE } from '../domain/ports/policy-store.ts'
import type { BoundPolicy, PolicyStore } from '../domain/ports/policy-store.ts'
import type { ProductStore } from '../domain/ports/product-store.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import type { Instant } from '../domain/time.ts'
import { differingColumns, FOREIGN_HOLDER, newPolicyPage, refusalAtBind } from './policy-page.ts'
import type { BindableRow } from './policy-page.ts'
import { TimetableLookup } from './timetable-lookup.ts'

/** What an import works over. */
export type ImportPoliciesDeps = {
  readonly policyStore: PolicyStore
  readonly productStore: ProductStore
  readonly flightData: FlightDataProvider
  readonly clock: Clock
  /** Founding capital of each currency's pool, minor units, paid when the currency is first used. */
  readonly capacityMinor: number
}

type Problem = { readonly field: string; readonly reason: string }

/** A row with its place: a file's line or an array's index, for messages only. */
export type PlacedRow = {
  readonly line: number
  readonly row: RawPolicyRow
  /** Why the row could not be read as one, when it could not; it is rejected with this. */
  readonly unreadable?: Problem
}

/** A row that was not bound, and why. */
export type RejectedRow = {
  readonly line: number
  /** As given, cut to 64 characters; empty when the row has none. */
  readonly policyNumber: string
  /** The column at fault. */
  readonly field: string
  readonly reason: string
}

/** What became of the rows. */
export type ImportedPolicies = {
  /** Policies bound by this run. */
  readonly imported: number
  /** Rows whose policy was bound before with the same content. */
  readonly unchanged: number
  /** In the order of lines. */
  readonly rejected: readonly RejectedRow[]
}

/** Progress and cancellation. */
export type ImportOptions = {
  readonly signal?: AbortSignal
  /** Who imports, for the audit trail. */
  readonly by?: string
  /** Whose policies they are where a row names none; the house's when left out. */
  readonly tenant?: string
  /** Rows may name no other tenant than that. No when left out. */
  readonly isTenantFixed?: boolean
  /** Called after every page with the rows done so far. */
  readonly onProgress?: (rows: number) => void
}

/**
 * Imports rows. Good rows go in, bad rows are told with line, field and reason. Idempotent by policy
 * number: an interrupted import is finished by running it again. Throws on cancellation, between
 * pages, and when the database fails; pages already bound stay bound.
 */
export async function importPolicies(
  deps: ImportPoliciesDeps,
  rows: AsyncIterable<PlacedRow> | Iterable<PlacedRow>,
  options: ImportOptions = {},
): Promise<ImportedPolicies> {
  const timetable = new TimetableLookup(deps.flightData, options.signal)
  const run = new ImportRun(deps, timetable, options)
  let page: PlacedRow[] = []
  let done = 0
  const flush = async (): Promise<void> => {
    options.signal?.throwIfAborted()
    await run.takePage(page)
    done += page.length
    options.onProgress?.(done)
    page = []
  }
  for await (const row of rows) {
    page.push(row)
    if (page.length === MAX_BIND_PAGE) await flush()
  }
  if (page.length > 0) await flush()
  return run.result()
}

/** The first row of a number within a page, and the rows that repeat the number. */
type ParsedRow = {
  readonly line: number
  readonly row: PolicyRow
  readonly repeats: { readonly line: number; readonly row: PolicyRow }[]
}

class ImportRun {
  readonly #deps: ImportPoliciesDeps
  readonly #timetable: TimetableLookup
  readonly #by: string | undefined
  readonly #tenant: string
  readonly #isTenantFixed: boolean
  readonly #rejected: RejectedRow[] = []
  #imported = 0
  #unchanged = 0

  constructor(deps: ImportPoliciesDeps, timetable: TimetableLookup, options: ImportOptions) {
    this.#deps = deps
    this.#timetable = timetable
    this.#by = options.by
    this.#tenant = options.tenant ?? DEFAULT_TENANT
    this.#isTenantFixed = options.isTenantFixed ?? false
  }

  result(): ImportedPolicies {
    const rejected = this.#rejected.toSorted((a, b) => a.line - b.line)
    return { imported: this.#imported, unchanged: this.#unchanged, rejected }
  }

  async takePage(page: readonly PlacedRow[]): Promise<void> {
    const rows = this.#parse(page)
    const bound = await this.#deps.policyStore.findBound([...rows.keys()])
    for (const [policyNumber, policy] of bound) {
      const first = rows.get(policyNumber)
      if (first !== undefined) this.#compare(first, policy)
    }
    const fresh = [...rows.values()].filter(({ row }) => !bound.has(row.policyNumber))
    const now = await this.#deps.clock.now()
    await this.#bind(await this.#ownHolders(await this.#findLegs(fresh, now)), now)
    await this.#settleRepeats(fresh)
  }

  #parse(page: readonly PlacedRow[]): Map<string, ParsedRow> {
    const rows = new Map<string, ParsedRow>()
    for (const { line, row: raw, unreadable } of page) {
      if (unreadable !== undefined) {
        this.#reject(line, givenNumber(raw), [unreadable])
        continue
      }
      const parsed = parsePolicyRow(raw)
      if (!parsed.ok) {
        this.#reject(line, givenNumber(raw), parsed.problems)
        continue
      }
      const row = { ...parsed.row, tenant: parsed.row.tenant ?? this.#tenant }
      if (this.#isTenantFixed && row.tenant !== this.#tenant) {
        const reason = `is another than yours, ${this.#tenant}: ${row.tenant}`
        this.#reject(line, row.policyNumber, [{ field: 'tenant', reason }])
        continue
      }
      const first = rows.get(row.policyNumber)
      if (first === undefined) rows.set(row.policyNumber, { line, row, repeats: [] })
      else first.repeats.push({ line, row })
    }
    return rows
  }

  async #findLegs(rows: readonly ParsedRow[], now: Instant): Promise<BindableRow[]> {
    const products = await this.#deps.productStore.latest([
      ...new Set(rows.map(({ row }) => row.product)),
    ])
    const sold = rows.filter(({ row }) => products.has(row.product))
    const legs = await this.#timetable.find(sold.map(({ row }) => row.identity))
    const bindable: BindableRow[] = []
    for (const { line, row } of rows) {
      const product = products.get(row.product)
      const found = legs.get(legKey(row.identity))
      if (product === undefined) {
        this.#reject(line, row.policyNumber, [
          { field: 'product', reason: `no such product: ${row.product}` },
        ])
      } else if (found === undefined || !found.ok) {
        this.#reject(line, row.policyNumber, found === undefined ? [] : [found])
      } else {
        const refusal = refusalAtBind(row, found.leg, product.product, now)
        if (refusal === null) bindable.push({ line, row, leg: found.leg, product })
        else this.#reject(line, row.policyNumber, [refusal])
      }
    }
    return bindable
  }

  /** The rows whose payee is not another tenant's; of two within a page the first one's. */
  async #ownHolders(rows: readonly BindableRow[]): Promise<readonly BindableRow[]> {
    if (rows.length === 0) return rows
    const tenants = new Map<string, string>()
    for (const { row } of rows) {
      if (!tenants.has(row.payeeRef)) tenants.set(row.payeeRef, tenantOf(row))
    }
    const holders = [...tenants].map(([holderRef, tenant]) => ({ holderRef, tenant }))
    const foreign = await this.#deps.policyStore.foreignHolders(holders)
    return rows.filter(({ line, row }) => {
      const isOwn = !foreign.has(row.payeeRef) && tenants.get(row.payeeRef) === tenantOf(row)
      const refusal = { field: 'payee_ref', reason: FOREIGN_HOLDER }
      if (!isOwn) this.#reject(line, row.policyNumber, [refusal])
      return isOwn
    })
  }

  async #bind(rows: readonly BindableRow[], now: Instant): Promise<void> {
    if (rows.length === 0) return
    const page = newPolicyPage(rows, now, this.#deps.capacityMinor)
    const by = this.#by === undefined ? {} : { boundBy: this.#by }
    const result = await this.#deps.policyStore.bind({ ...page, ...by })
    this.#imported += result.bound.length
    const poolShort = new Set(result.poolShort)
    // Another import was faster between the look-up and here.
    const stored = await this.#findBound(result.alreadyBound)
    for (const { line, row } of rows) {
      const policy = stored.get(row.policyNumber)
      if (policy !== undefined) this.#compareRow(line, row, policy)
      if (poolShort.has(row.policyNumber)) {
        const reason = `the ${row.currency} pool has not enough money left to reserve this sum`
        this.#reject(line, row.policyNumber, [{ field: 'sum_insured', reason }])
      }
    }
  }

  /** Rows that repeat a number of their own page are compared with what became of the first. */
  async #settleRepeats(rows: readonly ParsedRow[]): Promise<void> {
    const repeated = rows.filter(({ repeats }) => repeats.length > 0)
    const stored = await this.#findBound(repeated.map(({ row }) => row.policyNumber))
    for (const first of repeated) {
      const policy = stored.get(first.row.policyNumber)
      for (const { line, row } of first.repeats) {
        if (policy !== undefined) this.#compareRow(line, row, policy)
        else {
          const reason = `repeats line ${first.line}, which was rejected`
          this.#reject(line, row.policyNumber, [{ field: 'policy_number', reason }])
        }
      }
    }
  }

  async #findBound(policyNumbers: readonly string[]): Promise<ReadonlyMap<string, BoundPolicy>> {
    if (policyNumbers.length === 0) return new Map()
    return await this.#deps.policyStore.findBound(policyNumbers)
  }

  #compare(first: ParsedRow, policy: BoundPolicy): void {
    this.#compareRow(first.line, first.row, policy)
    for (const { line, row } of first.repeats) this.#compareRow(line, row, policy)
  }

  #compareRow(line: number, row: PolicyRow, policy: BoundPolicy): void {
    // What another tenant's policy was bound with is not told.
    if (row.tenant !== policy.tenant) {
      const reason = 'is the number of another policy'
      this.#reject(line, row.policyNumber, [{ field: 'policy_number', reason }])
      return
    }
    const differing = differingColumns(row, policy)
    const [field] = differing
    if (field === undefined) {
      this.#unchanged += 1
      return
    }
    const reason = `already bound with other content: ${differing.join(', ')}`
    this.#reject(line, row.policyNumber, [{ field, reason }])
  }

  /** One entry per row: the first problem's field, and all reasons. */
  #reject(line: number, policyNumber: string, problems: readonly Problem[]): void {
    const [first, ...others] = problems
    if (first === undefined) throw new Error(`line ${line} was rejected for no reason`)
    const more = others.map(({ field, reason }) => `; ${field}: ${reason}`)
    const reason = first.reason + more.join('')
    this.#rejected.push({ line, policyNumber, field: first.field, reason })
  }
}

function tenantOf({ tenant }: PolicyRow): string {
  return tenant ?? DEFAULT_TENANT
}

const SHOWN_NUMBER_LENGTH = 64

function givenNumber(raw: RawPolicyRow): string {
  const { policy_number: given } = raw
  return typeof given === 'string' || typeof given === 'number'
    ? String(given).trim().slice(0, SHOWN_NUMBER_LENGTH)
    : ''
}
