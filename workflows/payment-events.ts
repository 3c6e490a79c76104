/** What the rail tells: list what nobody told, apply what is open, look up what is due. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { PaymentEventsActivities } from '../activities/payment-events.ts'
import type { PaymentEventPlace } from '../domain/ports/payment-events.ts'
import type { PaymentEventsInput, PaymentEventsResult } from '../jobs/payment-events.ts'
import { STEP_RETRY } from './shared/steps.ts'

/** 20,000 of each kind in one run; the next run goes on. */
const STEPS_AT_MOST = 100

const { listMissedEvents, applyPaymentEvents, checkPayments } =
  proxyActivities<PaymentEventsActivities>({
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '30 seconds',
    retry: STEP_RETRY,
  })

/** Returns what was told and what it came to. */
export async function paymentEvents(_input: PaymentEventsInput): Promise<PaymentEventsResult> {
  const { missed } = await listMissedEvents()
  const result = { ...NOTHING, missed }
  await applyAll(result)
  await checkAll(result)
  setCurrentDetails(
    `${result.confirmed} confirmed, **${result.returned} returned**, ${result.unchanged} told ` +
      `nothing new, ${result.missed} came without a webhook`,
  )
  return result
}

const NOTHING: PaymentEventsResult = {
  missed: 0,
  confirmed: 0,
  returned: 0,
  unchanged: 0,
  unrelated: 0,
  waiting: 0,
  checked: 0,
  stale: 0,
}

async function applyAll(result: PaymentEventsResult): Promise<void> {
  let after: PaymentEventPlace | null = null
  for (let step = 0; step < STEPS_AT_MOST; step += 1) {
    // The annotation breaks a circle: the type of `after` would follow from its own use.
    const page: Awaited<ReturnType<typeof applyPaymentEvents>> = await applyPaymentEvents({ after })
    const { outcomes } = page
    result.confirmed += outcomes.confirmed
    result.returned += outcomes.returned + outcomes['partly-returned']
    result.unchanged += outcomes.unchanged
    result.unrelated += outcomes.unrelated
    result.waiting += outcomes.waits
    after = page.next
    if (after === null) return
  }
}

async function checkAll(result: PaymentEventsResult): Promise<void> {
  for (let step = 0; step < STEPS_AT_MOST; step += 1) {
    const page = await checkPayments()
    result.checked += page.checked
    result.confirmed += page.confirmed
    result.returned += page.returned
    result.stale += page.stale
    if (!page.hasMore) return
  }
}
