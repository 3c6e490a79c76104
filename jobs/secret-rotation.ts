/** The daily rotation of keys: past their age a new one is handed out, used, and the old one retired. */
import { z } from 'zod'

import { RING_NAMES } from '../domain/key-rotation.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

const keyIds = z.array(z.string())

/** Which keys to look at. */
export const secretRotationInput = z.strictObject({
  ring: z.enum(RING_NAMES).optional().meta({ description: 'One ring. Absent: every ring.' }),
  isForced: z.boolean().optional().meta({
    description: 'A new key whatever the age of the active one. Absent: no.',
  }),
})

/** What happened to the rings. */
export const secretRotationResult = z.strictObject({
  rings: z.array(
    z.strictObject({
      ring: z.enum(RING_NAMES),
      added: keyIds.meta({ description: 'Keys that were made and handed out.' }),
      activated: keyIds.meta({ description: 'Keys that close and sign from now on.' }),
      retired: keyIds.meta({ description: 'Keys that nothing needs any more, removed.' }),
      isWaiting: z.boolean().meta({
        description: 'A key is handed out and not used yet: some process has not read it.',
      }),
    }),
  ),
  resealed: z.int().min(0).meta({ description: 'Schedules closed anew with the active key.' }),
})

export type SecretRotationInput = z.output<typeof secretRotationInput>
export type SecretRotationResult = z.output<typeof secretRotationResult>

export const secretRotation = defineJob({
  name: 'secret-rotation',
  summary: 'Rotates the keys of payloads and webhooks that are past their age',
  description:
    'A key past its age is followed by a new one: made and handed out first, used once every process ' +
    'has it. The old one still opens and verifies until nothing needs it: for payloads, no run of its ' +
    'time is kept on the server. What schedules carry is closed anew. Every step is on the audit trail.',
  input: secretRotationInput,
  result: secretRotationResult,
  schedule: {
    kind: 'calendar',
    calendars: [{ hour: 5 }],
    timezone: 'UTC',
    overlap: 'skip',
    catchUpMs: 6 * HOUR_MS,
    input: {},
  },
  queue: 'maintenance',
  priority: 'HIGH',
  retry: { attempts: 2 },
  timeoutMs: 2 * HOUR_MS,
  workflowKey: () => 'all',
  // Two at once would each make a key.
  onConflict: { whileOpen: 'reject', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: 30 * MINUTE_MS, freshnessMs: 50 * HOUR_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['nothing-due', 'rotated', 'retired', 'step-retried'],
})
