/** Checks the audit trail's hash chain: what the migrations' trigger wrote, computed anew. */
import { createHash } from 'node:crypto'

import { sql } from 'kysely'

import type { AuditAnchor, AuditChain, AuditChainReport } from '../../domain/ports/audit-log.ts'
import type { AuditArchive } from '../../domain/ports/audit-archive.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import { AUDIT_TEXT, listAuditArchives } from './audit-archive-store.ts'

/** Events of one page: some 500 kB. */
const PAGE_ROWS = 1_000

/** What the first event is bound to. */
const BEGINNING: AuditAnchor = { position: 0, hash: '0'.repeat(64) }

/** The checker over `db`. */
export function createAuditChain(db: Database): AuditChain {
  return {
    verify: (anchors) => inSnapshot(db, (trx) => verifyAuditChain(trx, anchors)),
    head: () => readHead(db),
  }
}

/** The check within a snapshot that is open: as `AuditChain.verify`. */
export async function verifyAuditChain(
  trx: Database,
  anchors: readonly AuditAnchor[] = [],
): Promise<AuditChainReport> {
  const archives = await listAuditArchives(trx)
  const ends = archives.map(({ lastPosition, hash }) => ({ position: lastPosition, hash }))
  const { last, firstBreak } = await walk(trx, ends, [...anchors, ...ends])
  const head = await readHead(trx)
  const report = { events: last.position, head, archives }
  if (firstBreak !== null) return { ...report, firstBreak }
  return {
    ...report,
    firstBreak: brokenRecords(archives) ?? brokenEnd(last, head, anchors) ?? (await slippedIn(trx)),
  }
}

async function readHead(db: Database): Promise<AuditAnchor> {
  const { rows } = await sql<AuditAnchor>`select h.position, h.hash from audit_head h`.execute(db)
  return rows[0] ?? BEGINNING
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
  ends: readonly AuditAnchor[],
  anchors: readonly AuditAnchor[],
): Promise<{ last: AuditAnchor; firstBreak: Break }> {
  const noted = Map.groupBy(anchors, ({ position }) => position)
  let last = await startOf(trx, ends)
  for (;;) {
    const links = await readLinks(trx, last.position)
    for (const link of links) {
      const detail = brokenLink(link, last) ?? brokenAnchor(link, noted.get(link.position) ?? [])
      if (detail !== null) return { last, firstBreak: { seq: link.seq, detail } }
      last = link
    }
    if (links.length < PAGE_ROWS) return { last, firstBreak: null }
  }
}

/** Where the part begins that is in the database: at the end of an archive, or at the chain's beginning. */
async function startOf(trx: Database, ends: readonly AuditAnchor[]): Promise<AuditAnchor> {
  const { rows } = await sql<{ first: number | null }>`
    select min(c.position) as first from audit_chain c`.execute(trx)
  const first = rows[0]?.first ?? null
  if (first === null) return ends.at(-1) ?? BEGINNING
  return ends.find(({ position }) => position === first - 1) ?? BEGINNING
}

async function readLinks(trx: Database, after: number): Promise<readonly Link[]> {
  const { rows } = await sql<Link>`
    select c.position, c.event_seq as seq, c.prev_hash as "prevHash", c.hash,
      ${AUDIT_TEXT} as text
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

function brokenAnchor(link: AuditAnchor, anchors: readonly AuditAnchor[]): string | null {
  const other = anchors.find(({ hash }) => hash !== link.hash)
  if (other === undefined) return null
  return `has another hash than was noted for position ${other.position}: the chain was rewritten`
}

/** Archives on record follow each other from the chain's beginning. */
function brokenRecords(archives: readonly AuditArchive[]): Break {
  let last = BEGINNING
  for (const { firstPosition, lastPosition, prevHash, hash, file } of archives) {
    if (firstPosition !== last.position + 1 || prevHash !== last.hash) {
      return { seq: null, detail: `archive ${file} does not follow position ${last.position}` }
    }
    last = { position: lastPosition, hash }
  }
  return null
}

function brokenEnd(last: AuditAnchor, head: AuditAnchor, anchors: readonly AuditAnchor[]): Break {
  if (last.position !== head.position || last.hash !== head.hash) {
    const detail = `the chain ends at position ${last.position}, its head is at ${head.position}`
    return { seq: null, detail: `${detail}: the newest events were removed` }
  }
  const beyond = anchors.find(({ position }) => position > last.position)
  if (beyond === undefined) return null
  const detail = `the chain ends at position ${last.position}, before the noted ${beyond.position}`
  return { seq: null, detail }
}

async function slippedIn(trx: Database): Promise<Break> {
  const { rows } = await sql<{ seq: number }>`
    select e.seq from audit_event e
    where not exists (select from audit_chain c where c.event_seq = e.seq)
    order by e.seq limit 1`.execute(trx)
  const seq = rows[0]?.seq
  return seq === undefined ? null : { seq, detail: 'was written around the chain' }
}
