/** The ledger's payouts against the payment rail's transfers, every morning. */
import { z } from 'zod'

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)
const minor = z.string().meta({ description: 'Minor units as decimal text.' })

/** Without a moment: since the last run, less three days. */
export const reconciliationInput = z.strictObject({
  since: z.iso.datetime({ precision: 3 }).optional().meta({
    description:
      'Compares attempts begun from here on, UTC with milliseconds. Absent: since the last run, less three days.',
  }),
})

/** What was compared and what does not fit. */
export const reconciliationResult = z.strictObject({
  provider: z.string(),
  since: z.string().meta({ description: 'Attempts begun from here on were compared.' }),
  asOf: z.string().meta({ description: 'The business clock before the rail was asked.' }),
  listed: count.meta({ description: 'Transfers that the rail listed.' }),
  matched: count,
  // Absent in results of runs that counted them as matched.
  returned: count
    .optional()
    .meta({ description: 'Came back at the rail, and their payouts know it.' }),
  inFlight: count.meta({ description: 'At the rail, and the ledger waits for the answer.' }),
  breaks: z
    .strictObject({
      MISSING_IN_LEDGER: count,
      DUPLICATE: count,
      CCY_DIFF: count,
      AMOUNT_DIFF: count,
      // Absent in results of runs that did not tell it apart.
      RETURNED: count.optional(),
      MISSING_AT_PROVIDER: count,
      STALE: count,
    })
    .meta({ description: 'By class; all zero is a clean morning.' }),
  casesOpened: count.meta({ description: 'Review cases of breaks that were not told before.' }),
  totals: z
    .array(
      z.strictObject({
        currency: z.string(),
        listedMinor: minor,
        matchedMinor: minor,
        inFlightMinor: minor,
        submittedMinor: minor,
        payableMinor: minor,
        unpaidMinor: minor,
        escrowMinor: minor,
        exposureMinor: minor,
      }),
    )
    .meta({ description: 'Control totals: ledger accounts beside what they stand for.' }),
  isBalanced: z.boolean().meta({ description: 'The pairs of control totals are equal.' }),
})

export type ReconciliationInput = z.output<typeof reconciliationInput>
export type ReconciliationResult = z.output<typeof reconciliationResult>

export const reconciliation = defineJob({
  name: 'reconciliation',
  summary: "Compares the ledger's payouts with the payment rail's transfers",
  description:
    'Lists the transfers of the payment rail since the last run less three days, compares them with the ' +
    'payouts of the ledger in one statement, and opens a review case for each break: missing on either ' +
    'side, another amount or currency, a second transfer of one payout, come back while its payout is ' +
    'paid, or in flight for more than a day. ' +
    'A break is told once. The result carries the control totals. No money is moved.',
  input: reconciliationInput,
  result: reconciliationResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 6 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 12 * HOUR_MS,
    input: {},
  },
  queue: 'reports',
  priority: 'MEDIUM',
  retry: { attempts: 3, initialMs: MINUTE_MS, capMs: 10 * MINUTE_MS },
  timeoutMs: HOUR_MS,
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 10 * MINUTE_MS, freshnessMs: DAY_MS + 2 * HOUR_MS },
  owner: 'finance',
  alerts: ['failed', 'late'],
  histories: ['all-matched', 'many-pages-with-breaks', 'rail-away-for-a-moment'],
})
