/**
 * The Stripe adapter under the payment conformance suite: against the local server always, and against
 * Stripe's test mode when STRIPE_LIVE_TEST_KEY (`sk_test_...`) and STRIPE_LIVE_TEST_DESTINATION (a
 * connected test account) are set. Then what only the local server can do: losing answers, fail for good.
 */
import { describe, expect, test } from 'vitest'
import { createStripePayments, createStripePayouts } from '../../adapters/payments/stripe.ts'
import { handClock, startPayments, transfer } from '../unit/adapters/fixtures.ts'
import { listingConformance, paymentConformance } from './payment-conformance.ts'

const LIVE_KEY = process.env['STRIPE_LIVE_TEST_KEY'] ?? ''
const LIVE_DESTINATION = process.env['STRIPE_LIVE_TEST_DESTINATION'] ?? ''

describe('Stripe transfers, local server', () => {
  const subject = async () => {
    const rig = await startPayments()
    return {
      provider: rig.payments,
      request: (payoutId: string) => transfer(payoutId),
      withKey: (apiKey: string) => createStripePayments({ apiKey, baseUrl: rig.url }),
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    }
  }
  paymentConformance(subject)
  listingConformance(subject)
})

describe('Stripe payouts, local server', () => {
  paymentConformance(async () => {
    const rig = await startPayments()
    const withKey = (apiKey: string) => createStripePayouts({ apiKey, baseUrl: rig.url })
    const provider = withKey('sk_test_fixture')
    return {
      provider,
      request: (payoutId) => transfer(payoutId),
      withKey,
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]()
        await rig[Symbol.asyncDispose]()
      },
    }
  })
})

// Registered only with a key: a run without one has nothing to skip.
if (LIVE_KEY.startsWith('sk_test_') && LIVE_DESTINATION !== '') {
  describe('Stripe, test mode', () => {
    const subject = async () => {
      const withKey = (apiKey: string) => createStripePayments({ apiKey })
      const provider = withKey(LIVE_KEY)
      return {
        provider,
        request: (payoutId: string) => transfer(payoutId, { payeeRef: LIVE_DESTINATION }),
        withKey,
        [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
      }
    }
    paymentConformance(subject)
    listingConformance(subject)
  })
}

describe('Stripe, when things go wrong', () => {
  test('a lost answer is unknown, and the same key brings the transfer that moved', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { lostResponse: {} } })
    const lost = await rig.payments.createTransfer(transfer('p1'))
    expect(lost).toMatchObject({ kind: 'unknown', code: 'connection' })
    expect(rig.book.summary().count).toBe(1)
    const again = await rig.payments.createTransfer(transfer('p1'))
    expect(again).toMatchObject({ kind: 'accepted', isReplay: true })
    expect(rig.book.summary().count).toBe(1)
  })

  test('a 500 after the money moved is replayed for ever; the look-up finds the transfer', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { moved500: {} } })
    for (let n = 0; n < 3; n += 1) {
      const outcome = await rig.payments.createTransfer(transfer('p1'))
      expect(outcome).toMatchObject({ kind: 'unknown', code: 'server_error' })
    }
    expect(await rig.payments.findByGroup(transfer('p1'))).toHaveLength(1)
  })

  test('a 500 without a transfer is replayed too; the look-up finds nothing', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { stored500: {} } })
    const outcome = await rig.payments.createTransfer(transfer('p1'))
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'server_error' })
    rig.faults.set({ faults: {} })
    const replay = await rig.payments.createTransfer(transfer('p1'))
    expect(replay).toMatchObject({ kind: 'unknown', code: 'server_error' })
    expect(await rig.payments.findByGroup(transfer('p1'))).toEqual([])
  })

  test('an empty balance is rejected, and that key stays rejected', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { insufficientFunds: {} } })
    const code = 'balance_insufficient'
    const outcome = await rig.payments.createTransfer(transfer('p1'))
    expect(outcome).toMatchObject({ kind: 'rejected', code })
    rig.faults.set({ faults: {} })
    expect(await rig.payments.createTransfer(transfer('p1'))).toMatchObject({
      kind: 'rejected',
      code,
    })
    const second = transfer('p1', { idempotencyKey: 'po_p1_2' })
    expect(await rig.payments.createTransfer(second)).toMatchObject({ kind: 'accepted' })
  })

  test('a key sent again after a day moves money again: look up first', async () => {
    const clock = handClock('2013-02-09T12:00:00Z')
    await using rig = await startPayments({ clock })
    await rig.payments.createTransfer(transfer('p1'))
    clock.set('2013-02-10T12:00:00Z')
    const late = await rig.payments.createTransfer(transfer('p1'))
    expect(late).toMatchObject({ kind: 'accepted', isReplay: false })
    expect(await rig.payments.findByGroup(transfer('p1'))).toHaveLength(2)
  })

  test('HTML in place of an answer is unknown, whatever its status says', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { html: {} } })
    const outcome = await rig.payments.createTransfer(transfer('p1'))
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'malformed' })
  })
})
