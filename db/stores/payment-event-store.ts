/** Events of rails in Postgres, and which accepted payments are looked up when. */
import { sql } from 'kysely'

import type {
  PaymentEvent,
  PaymentEventPlace,
  PaymentEventStore,
  PaymentToCheck,
} from '../../domain/ports/payment-events.ts'
import type { PayoutState } from '../../domain/payout.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The event store over `db`. */
export function createPaymentEventStore(db: Database): PaymentEventStore {
  return {
    save: (source, events, channel) => save(db, source, events, channel),
    listOpen: (after, limit) => listOpen(db, after, limit),
    async close({ source, eventId }, outcome, at) {
      await sql`
        update payment_event set outcome = ${outcome}, closed_at = ${at}::timestamptz
        where source = ${source} and event_id = ${eventId} and outcome is null`.execute(db)
    },
    readPosition: (source) => readPosition(db, source),
    async savePosition(source, position) {
      await sql`
        insert into job_cursor (job, position) values (${cursorOf(source)}, ${position}::timestamptz)
        on conflict (job) do update
          set position = greatest(job_cursor.position, excluded.position), updated_at = now()`.execute(
        db,
      )
    },
    listDueChecks: (now, limit) => listDueChecks(db, now, limit),
    async planCheck({ payoutId, n }, next) {
      await sql`
        update payout_attempt set next_check_at = ${next}::timestamptz
        where payout_id = ${payoutId}::uuid and n = ${n}`.execute(db)
    },
    readState: (payoutId) => readState(db, payoutId),
  }
}

const cursorOf = (source: string): string => `payment-events:${source}`

async function save(
  db: Database,
  source: string,
  events: readonly PaymentEvent[],
  channel: 'webhook' | 'list',
): Promise<number> {
  if (events.length === 0) return 0
  const result = await sql`
    insert into payment_event
      (source, event_id, type, object_id, account, occurred_at, payload, channel)
    select ${source}::text, x.*, ${channel}::text
    from unnest(
      ${events.map((event) => event.eventId)}::text[],
      ${events.map((event) => event.type)}::text[],
      ${events.map((event) => event.objectId)}::text[],
      ${events.map((event) => event.account)}::text[],
      ${events.map((event) => event.occurredAt)}::timestamptz[],
      ${events.map((event) => event.payload)}::text[]) as x
    on conflict do nothing`.execute(db)
  return Number(result.numAffectedRows ?? 0n)
}

async function listOpen(db: Database, after: PaymentEventPlace | null, limit: number) {
  type Row = Omit<PaymentEvent, 'payload'> & { source: string }
  const { rows } = await sql<Row>`
    select source, event_id as "eventId", type, object_id as "objectId", account,
      occurred_at as "occurredAt"
    from payment_event
    where outcome is null and (${after === null}::boolean or (occurred_at, event_id)
      > (${after?.occurredAt ?? null}::timestamptz, ${after?.eventId ?? null}::text))
    order by occurred_at, event_id
    limit ${limit}`.execute(db)
  return rows
}

async function readPosition(db: Database, source: string): Promise<Instant | null> {
  const { rows } = await sql<{ position: Instant }>`
    select position from job_cursor where job = ${cursorOf(source)}`.execute(db)
  return rows[0]?.position ?? null
}

async function listDueChecks(
  db: Database,
  now: Instant,
  limit: number,
): Promise<readonly PaymentToCheck[]> {
  const { rows } = await sql<PaymentToCheck>`
    select a.payout_id as "payoutId", a.n, a.provider, a.provider_ref as "transferId",
      p.payee_ref as "payeeRef", p.state, a.finished_at as "acceptedAt"
    from payout_attempt a
    join payout p on p.id = a.payout_id
    where a.next_check_at <= ${now}::timestamptz and a.provider_ref is not null
    order by a.next_check_at
    limit ${limit}`.execute(db)
  return rows
}

async function readState(db: Database, payoutId: string): Promise<PayoutState | null> {
  const { rows } = await sql<{ state: PayoutState }>`
    select state from payout where id = ${payoutId}::uuid`.execute(db)
  return rows[0]?.state ?? null
}
