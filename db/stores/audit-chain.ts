/** Checks the audit trail's hash chain: what the migrations' trigger wrote, computed anew. */
import { createHash } from 'node:crypto'

import { sql } from 'kysely'

import type { AuditAnchor, AuditChain, AuditChainReport } from '../../domain/ports/audit-log.ts'
import type { Database } from '../client.ts'

/** Events of one page: some 500 kB. */
const PAGE_ROWS = 1_000

/** What the first event is bound to. */
const BEGINNING: AuditAnchor = { position: 0, hash: '0'.repeat(64) }

/** The checker over `db`. */
export function createAuditChain(db: Database): AuditChain {
  return {
    verify: (anchor) =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute((trx) => verifyAuditChain(trx, anchor)),
  }
}

/** The check within a snapshot that is open: as `AuditChain.verify`. */
export async function verifyAuditChain(
  trx: Database,
  anchor?: AuditAnchor,
): Promise<AuditChainReport> {
  const { last, firstBreak } = await walk(trx, anchor)
  const heads = await sql<AuditAnchor>`select h.position, h.hash from audit_head h`.execute(trx)
  const head = heads.rows[0] ?? BEGINNING
  const report = { events: last.position, head }
  if (firstBreak !== null) return { ...report, firstBreak }
  return {
    ...report,
    firstBreak: brokenEnd(last, head, anchor) ?? (await slippedIn(trx)),
  }
}

type Break = AuditChainReport['firstBreak']

type Link = {
  readonly position: number
  readonly seq: number
  readonly prevHash: string
  readonly hash: string
  /** What is hashed; null when the event is gone. */
  readonly text: string | null
}

async function walk(
  trx: Database,
  anchor: AuditAnchor | undefined,
): Promise<{ last: AuditAnchor; firstBreak: Break }> {
  let last = BEGINNING
  for (;;) {
    const links = await readLinks(trx, last.position)
    for (const link of links) {
      const detail = brokenLink(link, last) ?? brokenAnchor(link, anchor)
      if (detail !== null) return { last, firstBreak: { seq: link.seq, detail } }
      last = link
    }
    if (links.length < PAGE_ROWS) return { last, firstBreak: null }
  }
}

async function readLinks(trx: Database, after: number): Promise<readonly Link[]> {
  const { rows } = await sql<Link>`
    select c.position, c.event_seq as seq, c.prev_hash as "prevHash", c.hash,
      case when e.seq is not null then jsonb_build_array(
        c.position, c.prev_hash, e.seq, (extract(epoch from e.at) * 1000000)::bigint,
        e.actor, e.action, e.subject, e.details, e.correlation_id)::text end as text
    from audit_chain c
    left join audit_event e on e.seq = c.event_seq
    where c.position > ${after}
    order by c.position
    limit ${PAGE_ROWS}`.execute(trx)
  return rows
}

function brokenLink(link: Link, before: AuditAnchor): string | null {
  if (link.position !== before.position + 1) {
    return `the chain goes from position ${before.position} to ${link.position}: events were removed`
  }
  if (link.prevHash !== before.hash) return 'is not bound to the event before it'
  if (link.text === null) return 'was deleted'
  const hash = createHash('sha256').update(link.text).digest('hex')
  return hash === link.hash ? null : 'is not what was written'
}

function brokenAnchor(link: Link, anchor: AuditAnchor | undefined): string | null {
  if (link.position !== anchor?.position || link.hash === anchor.hash) return null
  return `has another hash than was noted for position ${anchor.position}: the chain was rewritten`
}

function brokenEnd(last: AuditAnchor, head: AuditAnchor, anchor: AuditAnchor | undefined): Break {
  if (last.position !== head.position || last.hash !== head.hash) {
    const detail = `the chain ends at position ${last.position}, its head is at ${head.position}`
    return { seq: null, detail: `${detail}: the newest events were removed` }
  }
  if (anchor !== undefined && anchor.position > last.position) {
    const detail = `the chain ends at position ${last.position}, before the noted ${anchor.position}`
    return { seq: null, detail }
  }
  return null
}

async function slippedIn(trx: Database): Promise<Break> {
  const { rows } = await sql<{ seq: number }>`
    select e.seq from audit_event e
    where not exists (select from audit_chain c where c.event_seq = e.seq)
    order by e.seq limit 1`.execute(trx)
  const seq = rows[0]?.seq
  return seq === undefined ? null : { seq, detail: 'was written around the chain' }
}
