/** Answers by Idempotency-Key in the table `idempotent_request`. */
import { sql } from 'kysely'

import type {
  IdempotencyStore,
  KeyClaim,
  KeyedRequest,
  StoredAnswer,
} from '../../domain/ports/idempotency-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The store over this database. Leases are the database's wall time, the same for all processes. */
export function createIdempotencyStore(db: Database): IdempotencyStore {
  return {
    claim: (request, leaseMs) => claim(db, request, leaseMs),
    answer: (request, answer) => storeAnswer(db, request, answer),
    async release({ scope, key }, lockedUntil) {
      await db
        .updateTable('idempotent_request')
        // Earlier than any clock: nobody waits for a lock that its holder gave up.
        .set({ locked_until: sql<Instant>`created_at` })
        .where('scope', '=', scope)
        .where('key', '=', key)
        .where('response_status', 'is', null)
        .where('locked_until', '=', lockedUntil)
        .execute()
    },
    async forget({ scope, key }, lockedUntil) {
      await db
        .deleteFrom('idempotent_request')
        .where('scope', '=', scope)
        .where('key', '=', key)
        .where('response_status', 'is', null)
        .where('locked_until', '=', lockedUntil)
        .execute()
    },
  }
}

type ClaimRow = { locked_until: Instant; is_takeover: boolean; created_at: Instant }

async function claim(db: Database, request: KeyedRequest, leaseMs: number): Promise<KeyClaim> {
  const { scope, key, requestSha256 } = request
  // One statement: of many at once exactly one inserts or takes over. Whole milliseconds, because
  // the lock's time is read by the application and compared again.
  const { rows } = await sql<ClaimRow>`
    insert into idempotent_request as r (scope, key, request_sha256, locked_until)
    values (${scope}, ${key}, ${requestSha256},
      date_trunc('milliseconds', clock_timestamp() + ${leaseMs} * interval '1 millisecond'))
    on conflict (scope, key) do update set locked_until = excluded.locked_until
      where r.response_status is null and r.locked_until < clock_timestamp()
        and r.request_sha256 = excluded.request_sha256
    returning locked_until, xmax <> 0 as is_takeover, created_at`.execute(db)
  const row = rows[0]
  if (row !== undefined) {
    const firstTriedAt = row.is_takeover ? row.created_at : null
    return { kind: 'owned', lockedUntil: row.locked_until, firstTriedAt }
  }
  const known = await read(db, request)
  // Released between the two statements: the caller asks again.
  if (known === undefined) return { kind: 'in-progress' }
  if (known.request_sha256 !== requestSha256) return { kind: 'other-request' }
  if (known.response_status === null) return { kind: 'in-progress' }
  return { kind: 'answered', answer: { status: known.response_status, body: known.response_body } }
}

async function storeAnswer(
  db: Database,
  request: KeyedRequest,
  answer: StoredAnswer,
): Promise<StoredAnswer> {
  const stored = await db
    .updateTable('idempotent_request')
    .set({ response_status: answer.status, response_body: JSON.stringify(answer.body) })
    .where('scope', '=', request.scope)
    .where('key', '=', request.key)
    .where('request_sha256', '=', request.requestSha256)
    .where('response_status', 'is', null)
    // The database orders names in its own way: the first caller gets what all others will get.
    .returning('response_body')
    .executeTakeFirst()
  if (stored !== undefined) return { status: answer.status, body: stored.response_body }
  const known = await read(db, request)
  if (known === undefined || known.response_status === null) return answer
  return { status: known.response_status, body: known.response_body }
}

function read(db: Database, { scope, key }: KeyedRequest) {
  return db
    .selectFrom('idempotent_request')
    .select(['request_sha256', 'response_status', 'response_body'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst()
}
