/**
 * The queue of notifications in Postgres: claimed in batches with a lease, read with their addresses,
 * and every outcome written down by one statement per kind.
 */
import { sql, type RawBuilder } from 'kysely'

import type {
  Backlog,
  BatchStanding,
  NotificationStore,
  RecordedDelivery,
  RecordedOutcome,
  UndeliveredMessage,
} from '../../domain/ports/notification-store.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { Database } from '../client.ts'
import { noteLongReviews, queueFacts } from './notification-outbox.ts'
import { takeMessages } from './notification-messages.ts'
import { createPersonKeys } from './person-keys.ts'

/** The notification store over `db`, with the ring that closes persons' keys; null: there is none. */
export function createNotificationStore(
  db: Database,
  ring: KeyRingSource | null,
): NotificationStore {
  const keys = createPersonKeys(ring)
  return {
    queueFacts: (limit) => queueFacts(db, limit),
    noteLongReviews: (openedBefore, limit) => noteLongReviews(db, openedBefore, limit),
    claimBatches: (claim) => claimBatches(db, claim),
    claimThese: (notificationIds, { leaseMs }) => claimThese(db, notificationIds, leaseMs),
    takeMessages: (batchId, page) => takeMessages({ db, keys }, batchId, page),
    recordOutcomes: (batchId, outcomes) => recordOutcomes(db, batchId, outcomes),
    standing: (batchId) => standing(db, batchId),
    async releaseBatch(batchId) {
      await sql`
        update notification set batch_id = null, claimed_until = null, updated_at = now()
        where batch_id = ${batchId}::uuid and state = 'QUEUED'`.execute(db)
    },
    backlog: () => backlog(db),
    listUndelivered: (olderThanMs, limit) => listUndelivered(db, olderThanMs, limit),
    recordDeliveries: (deliveries) => recordDeliveries(db, deliveries),
  }
}

async function claimBatches(
  db: Database,
  claim: Parameters<NotificationStore['claimBatches']>[0],
): Promise<readonly string[]> {
  const { pass, batchSize, batchesAtMost, leaseMs } = claim
  // Every batch of a try has an id that a later try can name.
  const batchId = (attempt: RawBuilder<unknown>, n: RawBuilder<unknown>) =>
    sql`groundstop_id('batch|' || ${pass.passId}::text || '|' || ${attempt} || '|' || ${n})`
  const { rows } = await sql<{ batch_id: string }>`
    with at_work as (
      select count(distinct n.batch_id) as batches from notification n
      where n.state = 'QUEUED' and n.claimed_until > now()
    ), due as materialized (
      select n.id from notification n
      where n.state = 'QUEUED' and n.next_attempt_at <= now()
        and (n.claimed_until is null or n.claimed_until <= now())
      order by n.next_attempt_at, n.id
      limit greatest(0, ${batchesAtMost}::int - (select batches from at_work)) * ${batchSize}::int
      for update skip locked
    ), numbered as materialized (
      select d.id, (row_number() over (order by d.id) - 1) / ${batchSize}::int as n from due d
    ), batch as materialized (
      select s.n, ${batchId(sql`${pass.attempt}::int`, sql`s.n`)} as batch_id
      from (select distinct n from numbered) s
    ), claimed as (
      update notification n
      set batch_id = b.batch_id, updated_at = now(),
        claimed_until = now() + ${leaseMs}::int * interval '1 millisecond'
      from numbered m join batch b on b.n = m.n
      where n.id = m.id
      returning n.batch_id
    )
    select distinct c.batch_id from claimed c
    union all
    select distinct n.batch_id from notification n
    where n.state = 'QUEUED' and n.claimed_until > now() and n.batch_id in (
      select ${batchId(sql`a`, sql`b`)}
      from generate_series(1, ${pass.attempt}::int - 1) a,
        generate_series(0, ${batchesAtMost}::int - 1) b)`.execute(db)
  return rows.map((row) => row.batch_id)
}

async function claimThese(
  db: Database,
  notificationIds: readonly string[],
  leaseMs: number,
): Promise<string | null> {
  const { rows } = await sql<{ batch_id: string }>`
    with batch as materialized (select gen_random_uuid() as batch_id)
    update notification n
    set batch_id = b.batch_id, next_attempt_at = now(), updated_at = now(),
      claimed_until = now() + ${leaseMs}::int * interval '1 millisecond'
    from batch b
    where n.id = any(${notificationIds}::uuid[]) and n.state = 'QUEUED'
      and (n.claimed_until is null or n.claimed_until <= now())
    returning n.batch_id`.execute(db)
  return rows[0]?.batch_id ?? null
}

async function recordOutcomes(
  db: Database,
  batchId: string,
  outcomes: readonly RecordedOutcome[],
): Promise<void> {
  if (outcomes.length === 0) return
  const rows = outcomes.map(rowOf)
  await db.transaction().execute(async (trx) => {
    await sql`
      update notification n
      set state = x.state, reason = coalesce(x.reason, n.reason), provider_ref = x.provider_ref,
        attempts = n.attempts + x.tried, last_code = x.code, updated_at = now(),
        sent_at = case when x.state = 'SENT' then now() end,
        next_attempt_at = now() + x.in_ms * interval '1 millisecond'
      from unnest(
        ${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.state)}::text[],
        ${rows.map((row) => row.reason)}::text[], ${rows.map((row) => row.providerRef)}::text[],
        ${rows.map((row) => row.code)}::text[], ${rows.map((row) => row.tried)}::int[],
        ${rows.map((row) => row.inMs)}::int[]
      ) as x (id, state, reason, provider_ref, code, tried, in_ms)
      where n.id = x.id and n.batch_id = ${batchId}::uuid and n.state = 'QUEUED'`.execute(trx)
    const delivered = rows.filter((row) => row.isDelivered).map((row) => row.id)
    if (delivered.length > 0) {
      await sql`
        update notification set state = 'DELIVERED', updated_at = now()
        where id = any(${delivered}::uuid[]) and state = 'SENT'`.execute(trx)
    }
    const gone = rows.filter((row) => row.isAddressGone).map((row) => row.id)
    if (gone.length > 0) {
      await sql`
        delete from push_subscription
        where id in (
          select n.push_subscription_id from notification n where n.id = any(${gone}::uuid[])
        )`.execute(trx)
    }
  })
}

function rowOf(outcome: RecordedOutcome) {
  const row = {
    id: outcome.notificationId,
    state: 'QUEUED',
    reason: null as string | null,
    providerRef: null as string | null,
    code: null as string | null,
    tried: 1,
    inMs: 0,
    isDelivered: false,
    isAddressGone: false,
  }
  switch (outcome.kind) {
    case 'sent': {
      const { providerRef, isDelivered } = outcome
      return { ...row, state: 'SENT', providerRef, isDelivered }
    }
    case 'suppressed':
      return { ...row, state: 'SUPPRESSED', reason: outcome.reason, tried: 0 }
    case 'failed': {
      const { reason, isAddressGone } = outcome
      return { ...row, state: 'FAILED', reason, code: reason, isAddressGone }
    }
    case 'retry':
      return { ...row, code: outcome.code, inMs: outcome.inMs, tried: outcome.isCounted ? 1 : 0 }
  }
}

async function standing(db: Database, batchId: string): Promise<BatchStanding> {
  const { rows } = await sql<{ open: number; next_in_ms: number | null }>`
    select count(*) as open,
      greatest(0, ceil(extract(epoch from min(n.next_attempt_at) - now()) * 1000))::int as next_in_ms
    from notification n
    where n.batch_id = ${batchId}::uuid and n.state = 'QUEUED'`.execute(db)
  const [row] = rows
  return { open: row?.open ?? 0, nextInMs: row?.open === 0 ? null : (row?.next_in_ms ?? null) }
}

async function backlog(db: Database): Promise<Backlog> {
  const { rows } = await sql<{ queued: number; oldest_ms: number | null }>`
    select count(*) as queued,
      floor(extract(epoch from now() - min(n.created_at)) * 1000)::bigint as oldest_ms
    from notification n where n.state = 'QUEUED'`.execute(db)
  return { queued: rows[0]?.queued ?? 0, oldestMs: rows[0]?.oldest_ms ?? null }
}

async function listUndelivered(
  db: Database,
  olderThanMs: number,
  limit: number,
): Promise<readonly UndeliveredMessage[]> {
  const { rows } = await sql<UndeliveredMessage>`
    select n.id as "notificationId", n.channel, n.provider_ref as "providerRef"
    from notification n
    where n.state = 'SENT' and n.channel = 'sms' and n.provider_ref is not null
      and n.sent_at <= now() - ${olderThanMs}::int * interval '1 millisecond'
      and n.sent_at > now() - interval '3 days'
      and n.updated_at <= now() - ${olderThanMs}::int * interval '1 millisecond'
    order by n.sent_at limit ${limit}`.execute(db)
  return rows
}

async function recordDeliveries(
  db: Database,
  deliveries: readonly RecordedDelivery[],
): Promise<void> {
  if (deliveries.length === 0) return
  const codes = deliveries.map((one) => (one.kind === 'bounced' ? one.code : null))
  await sql`
    update notification n
    set state = case when x.code is null then 'DELIVERED' else 'BOUNCED' end,
      reason = coalesce(x.code, n.reason), last_code = x.code, updated_at = now()
    from unnest(${deliveries.map((one) => one.notificationId)}::uuid[], ${codes}::text[]) as x (id, code)
    where n.id = x.id and n.state = 'SENT'`.execute(db)
}
