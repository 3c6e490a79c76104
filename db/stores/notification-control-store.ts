/** Sending again and suppressing by people, in Postgres, with the audit event in the same statement. */
import { sql } from 'kysely'

import { NOTIFICATION_REASONS, TEMPLATE_VERSIONS } from '../../domain/notification.ts'
import type {
  ControlOutcome,
  NotificationControlStore,
  NotificationNote,
} from '../../domain/ports/notification-control-store.ts'
import type { Database } from '../client.ts'

/** The control store over `db`. */
export function createNotificationControlStore(db: Database): NotificationControlStore {
  return {
    resend: (notificationId, note) =>
      act(db, notificationId, (trx) => resend(trx, notificationId, note)),
    suppress: (notificationId, note) =>
      act(db, notificationId, (trx) => suppress(trx, notificationId, note)),
  }
}

/** Under the row's lock, so that of two requests at once the second sees what the first did. */
function act(
  db: Database,
  notificationId: string,
  change: (trx: Database) => Promise<string | null>,
): Promise<ControlOutcome> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ state: string }>`
      select n.state from notification n where n.id = ${notificationId}::uuid for update`.execute(
      trx,
    )
    const [found] = rows
    if (found === undefined) return { kind: 'not-found' }
    const changed = await change(trx)
    if (changed === null) return { kind: 'conflict', state: found.state }
    return { kind: 'done', notificationId: changed }
  })
}

/** In today's words and the holder's present language; an id for each time that it is sent again. */
async function resend(
  db: Database,
  notificationId: string,
  { by, reason }: NotificationNote,
): Promise<string | null> {
  const templates = Object.keys(TEMPLATE_VERSIONS)
  const { rows } = await sql<{ id: string }>`
    with again as (
      insert into notification (id, audience, template, template_version, locale, channel, to_ref,
        push_subscription_id, policy_id, payout_id, content, resend_of)
      select groundstop_id(concat_ws('|', 'notification', 'resend', n.id, (
          select count(*) from notification r where r.resend_of = n.id))),
        n.audience, n.template, v.version, coalesce(c.locale, n.locale), n.channel, n.to_ref,
        n.push_subscription_id, n.policy_id, n.payout_id, n.content, n.id
      from notification n
      join unnest(${templates}::text[], ${Object.values(TEMPLATE_VERSIONS)}::int[])
        as v (template, version) on v.template = n.template
      left join contact c on n.audience = 'holder' and c.holder_ref = n.to_ref
      where n.id = ${notificationId}::uuid and n.state <> 'QUEUED'
      returning id
    ), noted as (
      insert into audit_event (at, actor, action, subject, details)
      select now(), ${by}, 'notifications.resend', 'notification:' || ${notificationId}::text,
        jsonb_build_object('reason', ${reason}::text, 'notificationId', a.id)
      from again a
    )
    select a.id from again a`.execute(db)
  return rows[0]?.id ?? null
}

async function suppress(
  db: Database,
  notificationId: string,
  { by, reason }: NotificationNote,
): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    with done as (
      update notification
      set state = 'SUPPRESSED', reason = ${NOTIFICATION_REASONS.byOperator}, updated_at = now()
      where id = ${notificationId}::uuid and state = 'QUEUED'
      returning id
    ), noted as (
      insert into audit_event (at, actor, action, subject, details)
      select now(), ${by}, 'notifications.suppress', 'notification:' || d.id,
        jsonb_build_object('reason', ${reason}::text)
      from done d
    )
    select d.id from done d`.execute(db)
  return rows[0]?.id ?? null
}
