/** The states of a notification are guarded by the schema as by the code, and so is what it says. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  canMoveNotification,
  NOTIFICATION_TRANSITIONS,
  type NotificationState,
} from '../../domain/notification.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const STATES = Object.keys(NOTIFICATION_TRANSITIONS) as NotificationState[]
const PAIRS = STATES.flatMap((from) => STATES.map((to) => [from, to] as const))

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function inState(state: NotificationState): Promise<string> {
  const id = randomUUID()
  const isSent = ['SENT', 'DELIVERED', 'BOUNCED'].includes(state)
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref,
      content, state, reason, sent_at)
    values (${id}::uuid, 'operator', 'operator-notice', 1, 'en', 'slack', 'operators', '{}', ${state},
      'TEST', ${isSent ? '2026-01-01T00:00:00Z' : null}::timestamptz)`.execute(database.db)
  return id
}

function move(id: string, to: NotificationState): Promise<unknown> {
  return sql`
    update notification
    set state = ${to}, reason = 'TEST',
      sent_at = case when ${to} in ('SENT', 'DELIVERED', 'BOUNCED') then now() end
    where id = ${id}::uuid`.execute(database.db)
}

test.each(PAIRS.filter(([from, to]) => from !== to))(
  'the schema and the code agree on %s to %s',
  async (from, to) => {
    const moved = move(await inState(from), to)
    if (canMoveNotification(from, to)) await expect(moved).resolves.toBeDefined()
    else await expect(moved).rejects.toThrow(`a notification does not go from ${from} to ${to}`)
  },
)

describe('the schema refuses', () => {
  const columns = [
    'template = template',
    "channel = 'email'",
    "to_ref = 'other'",
    "content = '{}'",
    'policy_id = null',
    'template_version = 2',
  ]
  test.each(columns)('a change of what is said and to whom: %s', async (change) => {
    const id = await inState('QUEUED')
    await expect(
      sql`update notification set ${sql.raw(change)} where id = ${id}::uuid`.execute(database.db),
    ).rejects.toThrow('append-only')
  })

  test.each(['SUPPRESSED', 'FAILED'])('%s without a reason', async (state) => {
    const id = await inState('QUEUED')
    await sql`update notification set reason = null where id = ${id}::uuid`.execute(database.db)
    await expect(
      sql`update notification set state = ${state} where id = ${id}::uuid`.execute(database.db),
    ).rejects.toThrow('check constraint')
  })

  test('a message to a holder without a policy, and one to operators with one', async () => {
    const insert = (audience: string, content: string | null) => sql`
      insert into notification (id, audience, template, template_version, locale, channel, to_ref,
        content)
      values (gen_random_uuid(), ${audience}, 'payout-paid', 1, 'en', 'email', 'a', ${content}::jsonb)`
    await expect(insert('holder', null).execute(database.db)).rejects.toThrow('check constraint')
    await expect(insert('operator', '{}').execute(database.db)).rejects.toThrow('check constraint')
  })
})
