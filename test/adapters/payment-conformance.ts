/** What every payment provider of the product must hold, whoever answers behind it. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { minorUnits } from '../../domain/money.ts'
import type { PaymentProvider, TransferRequest } from '../../domain/ports/payment-provider.ts'

const BAD_KEY = 'sk_test_conformance'
const CONCURRENT_SENDS = 10

/** One provider under test. */
export type PaymentSubject = AsyncDisposable & {
  readonly provider: PaymentProvider
  /** A request for a new payout, with a key and group that were never used. */
  readonly request: (payoutId: string) => TransferRequest
  /** The same provider with another secret. */
  readonly withKey: (apiKey: string) => PaymentProvider & AsyncDisposable
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
    const found = await s.provider.findByGroup(request.group)
    expect(found).toEqual(outcome.kind === 'accepted' ? [outcome.transfer] : [])
  })

  test('the same key sent again is the same transfer, said to be a replay', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const first = await s.provider.createTransfer(request)
    const second = await s.provider.createTransfer(request)
    expect(second).toEqual({ ...first, isReplay: true })
    expect(await s.provider.findByGroup(request.group)).toHaveLength(1)
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
    expect(await s.provider.findByGroup(request.group)).toHaveLength(1)
  })

  test('the key with another amount stays unknown: the first may have moved', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    await s.provider.createTransfer(request)
    const amount = { ...request.amount, minor: minorUnits(request.amount.minor + 1) }
    const outcome = await s.provider.createTransfer({ ...request, amount })
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'idempotency_mismatch' })
    expect(await s.provider.findByGroup(request.group)).toHaveLength(1)
  })

  test('a payee that does not exist is rejected, and nothing moved', async () => {
    await using s = await subject()
    const request = { ...s.request(randomUUID()), payeeRef: 'acct_invalid000000' }
    expect(await s.provider.createTransfer(request)).toMatchObject({ kind: 'rejected' })
    expect(await s.provider.findByGroup(request.group)).toEqual([])
  })

  test('a second attempt of a payout is a second transfer, listed after the first', async () => {
    await using s = await subject()
    const request = s.request(randomUUID())
    const first = await s.provider.createTransfer(request)
    const retry = { ...request, idempotencyKey: `${request.idempotencyKey}_second` }
    const second = await s.provider.createTransfer(retry)
    const ids = [first, second].map((o) => (o.kind === 'accepted' ? o.transfer.id : ''))
    expect((await s.provider.findByGroup(request.group)).map(({ id }) => id)).toEqual(ids)
  })

  test('an unknown group has no transfers', async () => {
    await using s = await subject()
    expect(await s.provider.findByGroup(randomUUID())).toEqual([])
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
    expect(await s.provider.findByGroup(request.group)).toEqual([])
  })
}
