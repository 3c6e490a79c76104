/** Requests of persons in Postgres. Every change is one transaction with its audit row. */
import { sql, type RawBuilder, type Transaction } from 'kysely'

import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type {
  PrivacyEnd,
  PrivacyFilter,
  PrivacyNote,
  PrivacyRequest,
  PrivacyRequestStore,
  PrivacyTotals,
} from '../../domain/ports/privacy-requests.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'
import type { DB } from '../types.generated.ts'
import { blockOf, erasePerson } from './person-erasure.ts'
import { holdForErasure } from './person-keys.ts'

/** The store over `db`. */
export function createPrivacyRequestStore(db: Database): PrivacyRequestStore {
  const transact = <T>(work: (trx: Transaction<DB>) => Promise<T>): Promise<T> =>
    db.transaction().execute(work)
  return {
    receive: (request, note) => transact((trx) => receive(trx, request, note)),
    find: (requestId) => find(db, requestId),
    list: (filter, page) => list(db, filter, page),
    listOpen: (limit) => read(db, sql`${IS_OPEN}`, { limit, order: sql`r.due_at, r.id` }),
    totals: (now) => totals(db, now),
    begin: (requestId, note) => transact((trx) => begin(trx, requestId, note)),
    defer: (requestId, block, note) =>
      transact(async (trx) => {
        const { rows } = await sql`
          update privacy_request r set waits_for = ${block}, updated_at = now()
          where r.id = ${requestId}::uuid and r.state = 'IN_PROGRESS'
            and r.waits_for is distinct from ${block}
          returning r.id`.execute(trx)
        if (rows.length > 0) await audit(trx, requestId, 'privacy.defer', note, { block })
      }),
    close: (requestId, end, closedAt, note) =>
      transact((trx) => close(trx, requestId, { end, closedAt, note })),
    blockOf: (holderRef) => blockOf(db, holderRef),
    async copiesOf(holderRef) {
      const copies = await read(
        db,
        sql`r.holder_ref = ${holderRef} and r.file_sha256 is not null`,
        { limit: COPIES_AT_MOST, order: sql`r.closed_at desc` },
      )
      return copies.map(({ requestId }) => requestId)
    },
    erase: (requestId, closedAt, note) =>
      transact((trx) => erase(trx, requestId, { closedAt, note })),
    putLink: (requestId, link, note) =>
      transact(async (trx) => {
        const { sha256, expiresAt, tries } = link
        const { rows } = await sql`
          update privacy_request r
          set link_sha256 = ${sha256}, link_expires_at = ${expiresAt}::timestamptz,
            link_tries_left = ${tries}::integer, updated_at = now()
          where r.id = ${requestId}::uuid and r.file_sha256 is not null
          returning r.id`.execute(trx)
        if (rows.length === 0) return false
        await audit(trx, requestId, 'privacy.link', note, { expiresAt })
        return true
      }),
    useLink: (requestId, sha256, now, at) =>
      transact((trx) => useLink(trx, requestId, { sha256, now, at })),
  }
}

/** Copies of a person within 90 days, the newest first; older files are gone anyway. */
const COPIES_AT_MOST = 1_000

const IS_OPEN = sql`r.state in ('RECEIVED', 'IN_PROGRESS')`

const COLUMNS = sql`
  r.id as "requestId", r.kind, r.holder_ref as "holderRef", r.state, r.received_at as "receivedAt",
  r.due_at as "dueAt", r.received_by as "receivedBy", r.refusal, r.closed_at as "closedAt",
  case when r.file_sha256 is not null then
    jsonb_build_object('bytes', r.file_bytes, 'sha256', r.file_sha256) end as file`

const LIVE = sql`${COLUMNS}, r.waits_for as "waitsFor", false as "isArchived",
  r.link_expires_at as "linkExpiresAt", r.link_tries_left as "linkTriesLeft", r.created_at as "createdAt",
  ${microsOf(sql`r.created_at`)} as "createdMicros"`

type Row = Omit<PrivacyRequest, 'link'> & {
  readonly linkExpiresAt: Instant | null
  readonly linkTriesLeft: number | null
  readonly createdMicros: string
}

function requestOf({
  linkExpiresAt: expiresAt,
  linkTriesLeft: triesLeft,
  createdMicros: _createdMicros,
  ...rest
}: Row): PrivacyRequest {
  return {
    requestId: rest.requestId,
    kind: rest.kind,
    holderRef: rest.holderRef,
    state: rest.state,
    receivedAt: rest.receivedAt,
    dueAt: rest.dueAt,
    receivedBy: rest.receivedBy,
    waitsFor: rest.waitsFor,
    refusal: rest.refusal,
    closedAt: rest.closedAt,
    file: rest.file,
    link: expiresAt === null || triesLeft === null ? null : { expiresAt, triesLeft },
    isArchived: rest.isArchived,
  }
}

type Place = { readonly limit: number; readonly order?: RawBuilder<unknown> }

async function read(
  db: Database,
  where: RawBuilder<unknown>,
  { limit, order = sql`r.id` }: Place,
): Promise<PrivacyRequest[]> {
  const { rows } = await sql<Row>`
    select ${LIVE} from privacy_request r where ${where} order by ${order} limit ${limit}`.execute(
    db,
  )
  return rows.map(requestOf)
}

async function find(db: Database, requestId: string): Promise<PrivacyRequest | null> {
  const [live] = await read(db, sql`r.id = ${requestId}::uuid`, { limit: 1 })
  if (live !== undefined) return live
  const { rows } = await sql<Row>`
    select ${COLUMNS}, null as "waitsFor", true as "isArchived", null as "linkExpiresAt",
      null as "linkTriesLeft"
    from privacy_request_archive r where r.id = ${requestId}::uuid limit 1`.execute(db)
  return rows[0] === undefined ? null : requestOf(rows[0])
}

async function list(
  db: Database,
  filter: PrivacyFilter,
  page: PageRequest,
): Promise<Page<PrivacyRequest>> {
  const { kind, state, dueBefore } = filter
  // An overdue list goes on by the same cursor however late it is asked for.
  const scope = ['privacy', kind, state, dueBefore !== undefined]
  const [micros = null, id] = readKey(page, scope, [keyPart.micros, keyPart.uuid]) ?? []
  const all = [sql`true`]
  if (kind !== undefined) all.push(sql`r.kind = ${kind}`)
  if (state !== undefined) all.push(sql`r.state = ${state}`)
  if (dueBefore !== undefined) all.push(sql`${IS_OPEN} and r.due_at < ${dueBefore}::timestamptz`)
  if (id !== undefined) {
    all.push(sql`(r.created_at, r.id) < (${timeOfMicros(micros)}, ${id}::uuid)`)
  }
  const { rows } = await sql<Row>`
    select ${LIVE} from privacy_request r where ${sql.join(all, sql` and `)}
    order by r.created_at desc, r.id desc limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: requestOf,
    key: ({ createdMicros, requestId }) => [createdMicros, requestId],
  })
}

async function totals(db: Database, now: Instant): Promise<PrivacyTotals> {
  const { rows } = await sql<PrivacyTotals[number]>`
    select k.kind, count(r.id) as open,
      count(r.id) filter (where r.due_at < ${now}::timestamptz) as overdue
    from (values ('export'), ('erasure')) as k (kind)
    left join privacy_request r on r.kind = k.kind and ${IS_OPEN}
    group by k.kind order by k.kind`.execute(db)
  return rows
}

async function receive(
  trx: Transaction<DB>,
  { requestId, kind, holderRef, receivedAt, dueAt }: Parameters<PrivacyRequestStore['receive']>[0],
  note: PrivacyNote,
): ReturnType<PrivacyRequestStore['receive']> {
  const { rows } = await sql`
    insert into privacy_request (id, kind, holder_ref, received_at, due_at, received_by)
    values (${requestId}::uuid, ${kind}, ${holderRef}, ${receivedAt}::timestamptz,
      ${dueAt}::timestamptz, ${note.by})
    on conflict (holder_ref, kind) where state in ('RECEIVED', 'IN_PROGRESS') do nothing
    returning id`.execute(trx)
  const isNew = rows.length > 0
  const [request] = await read(
    trx,
    sql`r.holder_ref = ${holderRef} and r.kind = ${kind} and ${IS_OPEN}`,
    { limit: 1 },
  )
  // Answered between both statements by somebody else: as if this one had come a moment earlier.
  if (request === undefined) throw new Error(`request ${requestId} was answered meanwhile`)
  if (isNew) await audit(trx, requestId, 'privacy.receive', note, { kind, holderRef, dueAt })
  return { request, isNew }
}

async function begin(
  trx: Transaction<DB>,
  requestId: string,
  note: PrivacyNote,
): Promise<PrivacyRequest | null> {
  const { rows } = await sql`
    update privacy_request r set state = 'IN_PROGRESS', updated_at = now()
    where r.id = ${requestId}::uuid and r.state = 'RECEIVED' returning r.id`.execute(trx)
  if (rows.length > 0) await audit(trx, requestId, 'privacy.begin', note, {})
  return find(trx, requestId)
}

type Closing = {
  readonly end: PrivacyEnd
  readonly closedAt: Instant
  readonly note: PrivacyNote
}

async function close(
  trx: Transaction<DB>,
  requestId: string,
  { end, closedAt, note }: Closing,
): Promise<boolean> {
  const file = end.state === 'FULFILLED' ? end.file : null
  const refusal = end.state === 'REFUSED' ? end.refusal : null
  const { rows } = await sql`
    update privacy_request r
    set state = ${end.state}, closed_at = ${closedAt}::timestamptz, refusal = ${refusal},
      file_bytes = ${file?.bytes ?? null}::bigint, file_sha256 = ${file?.sha256 ?? null},
      updated_at = now()
    where r.id = ${requestId}::uuid
      and (r.state = 'IN_PROGRESS' or ${end.state} = 'REFUSED' and r.state = 'RECEIVED')
    returning r.id`.execute(trx)
  if (rows.length === 0) return false
  const action = end.state === 'FULFILLED' ? 'privacy.fulfil' : 'privacy.refuse'
  await audit(trx, requestId, action, note, file === null ? {} : { file })
  return true
}

async function erase(
  trx: Transaction<DB>,
  requestId: string,
  { closedAt, note }: Omit<Closing, 'end'>,
): Promise<'erased' | 'blocked' | 'closed'> {
  const { rows } = await sql<{ holderRef: string }>`
    select r.holder_ref as "holderRef" from privacy_request r
    where r.id = ${requestId}::uuid and r.state = 'IN_PROGRESS' for update`.execute(trx)
  const [open] = rows
  if (open === undefined) return 'closed'
  await holdForErasure(trx)
  // Looked at again where it is done: cover may have been bought since.
  if ((await blockOf(trx, open.holderRef)) !== null) return 'blocked'
  await erasePerson(trx, { holderRef: open.holderRef, requestId, erasedAt: closedAt })
  await close(trx, requestId, { end: { state: 'FULFILLED', file: null }, closedAt, note })
  return 'erased'
}

async function useLink(
  trx: Transaction<DB>,
  requestId: string,
  { sha256, now, at }: { readonly sha256: string; readonly now: Instant; readonly at: Instant },
): Promise<PrivacyRequest | null> {
  const { rows } = await sql<{ isRight: boolean }>`
    update privacy_request r
    set link_tries_left = r.link_tries_left - 1, updated_at = now()
    where r.id = ${requestId}::uuid and r.link_tries_left > 0
      and r.link_expires_at > ${now}::timestamptz
    returning r.link_sha256 = ${sha256} as "isRight"`.execute(trx)
  const [tried] = rows
  if (tried === undefined) return null
  const { isRight } = tried
  const note = { by: 'link', reason: isRight ? 'fetched' : 'a wrong link was tried', at }
  await audit(trx, requestId, isRight ? 'privacy.fetch' : 'privacy.wrong-link', note, {})
  return isRight ? find(trx, requestId) : null
}

async function audit(
  trx: Transaction<DB>,
  requestId: string,
  action: string,
  { by, reason, at }: PrivacyNote,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${at}::timestamptz, ${by}, ${action}, ${`privacy-request:${requestId}`},
      ${JSON.stringify({ reason, ...details })}::jsonb)`.execute(trx)
}
