/** The main job: every two minutes, what came due is asked, decided and sent to be paid. */
import { z } from 'zod'

import { MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const count = z.int().min(0)

/** Without a policy: the whole book's due legs. With one: that policy's leg, now, due or not. */
export const flightMonitorInput = z.strictObject({
  policyId: z
    .string()
    .min(1)
    .max(64)
    // It is part of the run's id, which stays readable on the server: no address of a person.
    .regex(/^[\x21-\x3f\x41-\x7e]+$/, 'printable characters without spaces and @')
    .optional()
    .meta({ description: "A policy's id or its number. Absent: every leg that is due." }),
})

/** The summary of one tick. */
export const flightMonitorResult = z.strictObject({
  nominalAt: z.string().meta({ description: 'When the schedule meant this tick to run, UTC.' }),
  businessNow: z.string().meta({ description: 'The business clock when legs were claimed.' }),
  due: count.meta({ description: 'Legs whose next poll had come.' }),
  claimed: count.meta({ description: 'Legs that this tick took on, at most its page limit.' }),
  polled: count.meta({ description: 'Legs asked about and written.' }),
  changed: count.meta({ description: 'Legs with new facts.' }),
  failed: count.meta({ description: 'Legs whose poll failed; they are asked again later.' }),
  failedShards: count.meta({ description: 'Shards given up; their legs stay due.' }),
  evaluations: count.meta({
    description: 'Decisions on a leg, a product version and its policies.',
  }),
  policiesPaid: count.meta({ description: 'Policies decided to be paid.' }),
  policiesNotPaid: count,
  policiesInReview: count.meta({ description: 'Policies that a person must decide.' }),
  payoutsCreated: count,
  batchesStarted: count.meta({
    description: 'Payout runs started, also those that a lost tick left.',
  }),
  coverage: z
    .strictObject({
      legsInWindow: count,
      overdue: count,
      incidentsOpened: count,
      incidentsClosed: count,
      incidentsOpen: count,
    })
    .nullable()
    .meta({ description: 'Null when one policy was checked: that says nothing of the book.' }),
})

export type FlightMonitorInput = z.output<typeof flightMonitorInput>
export type FlightMonitorResult = z.output<typeof flightMonitorResult>

export const flightMonitor = defineJob({
  name: 'flight-monitor',
  summary: 'Watches every insured flight leg that is due, decides policies, starts payouts',
  description:
    'Claims the legs whose next poll has come, asks the flight-data provider about them in parallel ' +
    'shards, decides the policies of legs with settled facts, starts one payout run per batch of at ' +
    'most 500 payouts, and opens an incident for every leg that was not polled in time. With a ' +
    'policyId it checks that one policy now.',
  input: flightMonitorInput,
  result: flightMonitorResult,
  schedule: {
    kind: 'interval',
    every: '2 minutes',
    overlap: 'skip',
    // One late tick does the work of all that were missed, so older ones are not wanted.
    catchUpMs: MINUTE_MS,
    input: {},
  },
  queue: 'monitoring',
  priority: 'HIGH',
  retry: { attempts: 3, capMs: 10 * SECOND_MS },
  timeoutMs: 2 * MINUTE_MS,
  workflowKey: ({ policyId }) => policyId ?? 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 60 * SECOND_MS, freshnessMs: 6 * MINUTE_MS },
  owner: 'operations',
  alerts: ['failed', 'late'],
  histories: ['empty-tick', 'storm-tick', 'one-policy', 'failed-shard'],
})
