/** What every payment provider of the product must hold, whoever answers behind it. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { minorUnits } from '../../domain/money.ts'
import type {
  ListedPaymentProvider,
  PaymentProvider,
  TransferPage,
  TransferRequest,
} from '../../domain/ports/payment-provider.ts'
import { addMs, instantFromMs, type Instant } from '../../domain/time.ts'

const BAD_KEY = 'sk_test_conformance'
const CONCURRENT_SENDS = 10
const TRANSFERS_OVER_ONE_PAGE = 101
const EPOCH = instantFromMs(0)

/** One provider under test. */
export type PaymentSubject = AsyncDisposable & {
  readonly provider: PaymentProvider
  /** A request for a new payout, with a key and group that were never used. */
  readonly request: (payoutId: string) => TransferRequest
  /** The same provider with another secret. */
  readonly withKey: (apiKey: string) => PaymentProvider & AsyncDisposable
}

/** One provider that can be listed as a whole. */
export type ListedSubject = Omit<PaymentSubject, 'provider' | 'withKey'> & {
  readonly provider: ListedPaymentProvider
  readonly withKey: (apiKey: string) => ListedPaymentProvider & AsyncDisposable
}

/** Registers the suite's tests; `subject` is called for each. */
export function paymentConformance(subject: () => Promise<PaymentSubject>): void {
  test('a transfer moves the amount to the payee, and is found by its group', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const outcome = await s.provider.createTransfer(request)
    expect(outcome).toMatchObject({
      kind: 'accepted',
      isReplay: false,
      transfer: { amount: request.amount, payeeRef: request.payeeRef, group: request.group },
    })
    const found = await s.provider.findByGroup(request)
    expect(found).toEqual(outcome.kind === 'accepted' ? [outcome.transfer] : [])
  })

  test('the same key sent again is the same transfer, said to be a replay', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const first = await s.provider.createTransfer(request)
    const second = await s.provider.createTransfer(request)
    expect(second).toEqual({ ...first, isReplay: true })
    expect(await s.provider.findByGroup(request)).toHaveLength(1)
  })

  test('many sends of one key at once move money once', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const outcomes = await Promise.all(
      Array.from({ length: CONCURRENT_SENDS }, () => s.provider.createTransfer(request)),
    )
    const ids = outcomes.flatMap((o) => (o.kind === 'accepted' ? [o.transfer.id] : []))
    expect(new Set(ids).size).toBe(1)
    expect(outcomes.every(({ kind }) => kind !== 'rejected')).toBe(true)
    expect(await s.provider.findByGroup(request)).toHaveLength(1)
  })

  test('the key with another amount stays unknown: the first may have moved', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    await s.provider.createTransfer(request)
    const amount = { ...request.amount, minor: minorUnits(request.amount.minor + 1) }
    const outcome = await s.provider.createTransfer({ ...request, amount })
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'idempotency_mismatch' })
    expect(await s.provider.findByGroup(request)).toHaveLength(1)
  })

  test('a payee that does not exist is rejected, and nothing moved', async () => {
    await using s = await subject()
    const request = { ...s.request(randomUUID()), payeeRef: 'acct_invalid000000' }
    expect(await s.provider.createTransfer(request)).toMatchObject({ kind: 'rejected' })
    expect(await s.provider.findByGroup(request)).toEqual([])
  })

  test('a second attempt of a payout is a second transfer, listed after the first', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const first = await s.provider.createTransfer(request)
    const retry = { ...request, idempotencyKey: `${request.idempotencyKey}_second` }
    const second = await s.provider.createTransfer(retry)
    const ids = [first, second].map((o) => (o.kind === 'accepted' ? o.transfer.id : ''))
    expect((await s.provider.findByGroup(request)).map(({ id }) => id)).toEqual(ids)
  })

  test('a transfer is found by its id as it is now, another id is not there', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const outcome = await s.provider.createTransfer(request)
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.code}`)
    const { id } = outcome.transfer
    const { payeeRef } = request
    expect(await s.provider.findById({ id, payeeRef })).toEqual(outcome.transfer)
    expect(await s.provider.findById({ id: `${id}x`, payeeRef })).toBeNull()
  })

  test('a transfer is on the balance report from its time on, another group is not', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const outcome = await s.provider.createTransfer(request)
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.code}`)
    const { createdAt } = outcome.transfer
    const { group, payeeRef } = request
    const since = (ms: number) =>
      s.provider.findOnBalance({ group, payeeRef, since: addMs(createdAt, ms) })
    expect(await since(0)).toEqual([outcome.transfer])
    expect(await since(1_000)).toEqual([])
    const other = { group: randomUUID(), payeeRef, since: createdAt }
    expect(await s.provider.findOnBalance(other)).toEqual([])
  })

  test('an unknown group has no transfers', async () => {
    await using s = await subject()
    expect(await s.provider.findByGroup(s.request(randomUUID()))).toEqual([])
  })

  test('a bad secret stays unknown, without being repeated', async () => {
    await using s = await subject()
    await using stranger = s.withKey(`${BAD_KEY}_invalid`)
    const outcome = await stranger.createTransfer(s.request(randomUUID()))
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'unauthorized' })
    expect(JSON.stringify(outcome)).not.toContain(BAD_KEY)
  })

  test('a transfer cancelled before it is sent throws and moves nothing', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const sent = s.provider.createTransfer(request, AbortSignal.abort())
    await expect(sent).rejects.toThrow(/abort/i)
    expect(await s.provider.findByGroup(request)).toEqual([])
  })
}

/** Registers the tests of rails that can be listed as a whole. */
export function listingConformance(subject: () => Promise<ListedSubject>): void {
  test('a transfer is listed from the second it was made, and not when asked from a later one', async () => {
    await using s = await subject()
    const outcome = await s.provider.createTransfer(s.request(randomUUID()))
    if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.code}`)
    const { createdAt, id } = outcome.transfer
    const from = await s.provider.listSince(createdAt, null)
    expect(from.transfers).toContainEqual(outcome.transfer)
    const later = await s.provider.listSince(addMs(createdAt, 1_000), null)
    expect(later.transfers.map((transfer) => transfer.id)).not.toContain(id)
  })

  test('the list goes on by its cursor to its end, each transfer once, the newest first', async () => {
    await using s = await subject()
    const made: string[] = []
    let since: Instant | null = null
    for (let n = 0; n < TRANSFERS_OVER_ONE_PAGE; n += 1) {
      const outcome = await s.provider.createTransfer(s.request(randomUUID()))
      if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.code}`)
      since ??= outcome.transfer.createdAt
      made.unshift(outcome.transfer.id)
    }
    const listed: string[] = []
    let cursor: string | null = null
    do {
      const page: TransferPage = await s.provider.listSince(since ?? EPOCH, cursor)
      listed.push(...page.transfers.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== null)
    expect(listed.filter((id) => made.includes(id)).toSorted()).toEqual(made.toSorted())
    expect(new Set(listed).size).toBe(listed.length)
  })

  test('a bad secret fails a list, to be tried again', async () => {
    await using s = await subject()
    await using stranger = s.withKey(`${BAD_KEY}_invalid`)
    await expect(stranger.listSince(EPOCH, null)).rejects.toMatchObject({
      name: 'PaymentLookupError',
      isRetryable: true,
    })
  })
}
