/** What operators have been told, in Postgres: the episode and its messages in one transaction. */
import { sql } from 'kysely'

import type {
  NewOperatorNotice,
  NoticeOutcome,
  OperatorNoticeStore,
} from '../../domain/ports/operator-notice-store.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'

/** The notice store over `db`. */
export function createOperatorNoticeStore(db: Database): OperatorNoticeStore {
  return {
    tell: (notice) =>
      notice.notice.severity === 'recovered' ? recover(db, notice) : open(db, notice),
  }
}

type Episode = { readonly episode: number; readonly told: number }

/** Reported again within the window: counted, not told. */
async function open(db: Database, notice: NewOperatorNotice): Promise<NoticeOutcome> {
  const { key, windowMs } = notice
  const { severity } = notice.notice
  return retriedTransaction(db, async (trx) => {
    const isOver = sql`operator_notice.recovered_at is not null`
    const isDue = sql`(${isOver} or operator_notice.told_at
      <= now() - ${windowMs}::bigint * interval '1 millisecond')`
    const { rows } = await sql<Episode & { is_told: boolean }>`
      insert into operator_notice (key, severity) values (${key}, ${severity})
      on conflict (key) do update
      set severity = excluded.severity, updated_at = now(), recovered_at = null,
        episode = operator_notice.episode + (${isOver})::int,
        opened_at = case when ${isOver} then now() else operator_notice.opened_at end,
        reported = case when ${isOver} then 1 else operator_notice.reported + 1 end,
        told = case when ${isOver} then 1 else operator_notice.told + (${isDue})::int end,
        told_at = case when ${isDue} then now() else operator_notice.told_at end
      returning episode, told, told_at = now() as is_told`.execute(trx)
    const [row] = rows
    if (row?.is_told !== true) return 'told-before'
    await queue(trx, notice, `${row.episode}|${row.told}`)
    return 'queued'
  })
}

async function recover(db: Database, notice: NewOperatorNotice): Promise<NoticeOutcome> {
  return retriedTransaction(db, async (trx) => {
    const { rows } = await sql<Episode>`
      update operator_notice set recovered_at = now(), updated_at = now()
      where key = ${notice.key} and recovered_at is null
      returning episode, told`.execute(trx)
    const [row] = rows
    if (row === undefined) return 'nothing-open'
    await queue(trx, notice, `${row.episode}|recovered`)
    return 'queued'
  })
}

async function queue(db: Database, notice: NewOperatorNotice, occasion: string): Promise<void> {
  const { key, channels, templateVersion, toRef, audit } = notice
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref, content)
    select groundstop_id(concat_ws('|', 'notification', 'operator', ${key}::text, ${occasion}::text, c)),
      'operator', 'operator-notice', ${templateVersion}, 'en', c, ${toRef},
      ${JSON.stringify(notice.notice)}::jsonb
    from unnest(${[...channels]}::text[]) as c
    on conflict do nothing`.execute(db)
  if (audit === null) return
  const { severity, subject } = notice.notice
  const action = severity === 'recovered' ? 'alert.recovered' : 'alert.told'
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${audit.at}::timestamptz, 'system', ${action}, ${audit.subject},
      ${JSON.stringify({ key, to: toRef, channels, told: subject })}::jsonb)`.execute(db)
}
