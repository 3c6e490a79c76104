/** Everything that is kept of one person, read for the copy that they asked for. */
import { sql, type RawBuilder, type Transaction } from 'kysely'

import {
  PERSON_ROWS_AT_MOST,
  PersonTooLargeError,
  type PersonData,
  type PersonDataSource,
  type PersonRows,
} from '../../domain/ports/person-data.ts'
import type { Contact } from '../../domain/contact.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import type { DB } from '../types.generated.ts'
import { createPersonKeys, type PersonKeys } from './person-keys.ts'
import { openBrowser, openNames, type StoredBrowser, type StoredNames } from './sealed-contact.ts'

/** The source over `db`, with the ring that closes persons' keys; null: there is none. */
export function createPersonDataSource(db: Database, ring: KeyRingSource | null): PersonDataSource {
  const keys = createPersonKeys(ring)
  return {
    read: (holderRef) => inSnapshot(db, (trx) => read(trx, keys, holderRef)),
  }
}

async function read(
  trx: Transaction<DB>,
  keys: PersonKeys,
  holderRef: string,
): Promise<PersonData> {
  const rowsOf = async (what: string, query: RawBuilder<unknown>): Promise<PersonRows> => {
    const { rows } = await sql<Readonly<Record<string, unknown>>>`
      ${query} limit ${PERSON_ROWS_AT_MOST + 1}`.execute(trx)
    if (rows.length <= PERSON_ROWS_AT_MOST) return rows
    throw new PersonTooLargeError(`more than ${PERSON_ROWS_AT_MOST} ${what} have this token`)
  }
  return {
    contact: await contactOf(trx, keys, holderRef),
    browsers: await browsersOf(trx, keys, holderRef),
    policies: await rowsOf('policies', policiesOf(holderRef)),
    evaluations: await rowsOf('evaluations', evaluationsOf(holderRef)),
    payouts: await rowsOf('payouts', payoutsOf(holderRef)),
    appeals: await rowsOf('appeals', appealsOf(holderRef)),
    notifications: await rowsOf('notifications', notificationsOf(holderRef)),
    trail: await rowsOf('events', trailOf(holderRef)),
  }
}

async function contactOf(
  trx: Transaction<DB>,
  keys: PersonKeys,
  holderRef: string,
): Promise<PersonData['contact']> {
  const { rows } = await sql<StoredNames & Pick<Contact, 'locale' | 'channels'>>`
    select c.sealed, c.display_name, c.email, c.phone, k.ring_key_id as "ringKeyId", k.material,
      c.locale, c.channels
    from contact c left join person_key k on k.holder_ref = c.holder_ref
    where c.holder_ref = ${holderRef} limit 1`.execute(trx)
  const [row] = rows
  if (row === undefined) return null
  const { locale, channels } = row
  return { holderRef, ...(await openNames(keys, holderRef, row)), locale, channels }
}

async function browsersOf(
  trx: Transaction<DB>,
  keys: PersonKeys,
  holderRef: string,
): Promise<PersonData['browsers']> {
  const { rows } = await sql<StoredBrowser>`
    select s.sealed, s.endpoint, s.p256dh, s.auth, k.ring_key_id as "ringKeyId", k.material
    from push_subscription s left join person_key k on k.holder_ref = s.holder_ref
    where s.holder_ref = ${holderRef}
    order by s.created_at, s.id limit ${PERSON_ROWS_AT_MOST}`.execute(trx)
  const browsers = await Promise.all(rows.map((row) => openBrowser(keys, holderRef, row)))
  return browsers.flatMap((one) => (one === null ? [] : [{ endpoint: one.endpoint }]))
}

const policiesOf = (holderRef: string) => sql`
  select p.policy_number as "policyNumber", v.code as product, v.version as "productVersion", p.state,
    coalesce(p.marketing_ident, l.carrier || ' ' || l.flight_number) as flight, l.origin, l.destination,
    l.origin_local_date as "departureDate", p.insured_scheduled_out as "insuredScheduledOut",
    p.insured_scheduled_in as "insuredScheduledIn", p.sum_insured_minor as "sumInsuredMinor",
    p.premium_minor as "premiumMinor", p.currency, p.outcome, p.bps, p.amount_minor as "amountMinor",
    p.decided_at as "decidedAt", p.bound_at as "boundAt", p.cover_end as "coverEnd"
  from policy p
  join product_version v on v.id = p.product_version_id
  join flight_leg l on l.id = p.leg_id
  where p.payee_ref = ${holderRef} order by p.policy_number`

const evaluationsOf = (holderRef: string) => sql`
  select p.policy_number as "policyNumber", e.id as "evaluationId", e.outcome,
    e.delay_min as "delayMin", e.bps, e.reasons, e.facts, e.evaluated_at as "evaluatedAt"
  from policy p join evaluation e on e.id = p.evaluation_id
  where p.payee_ref = ${holderRef} order by p.policy_number`

const payoutsOf = (holderRef: string) => sql`
  select p.policy_number as "policyNumber", o.id as "payoutId", o.state,
    o.amount_minor as "amountMinor", o.currency, o.transfer_id as "transferId",
    o.created_at as "createdAt", o.paid_at as "paidAt"
  from policy p join payout o on o.policy_id = p.id
  where p.payee_ref = ${holderRef} order by p.policy_number, o.revision`

const appealsOf = (holderRef: string) => sql`
  select p.policy_number as "policyNumber", a.n, a.reason, a.evidence, a.filed_at as "filedAt", a.result,
    a.grounds, a.more_minor as "moreMinor", a.decided_at as "decidedAt"
  from policy p join appeal a on a.policy_id = p.id
  where p.payee_ref = ${holderRef} order by p.policy_number, a.n`

const notificationsOf = (holderRef: string) => sql`
  select n.id as "notificationId", p.policy_number as "policyNumber", n.template, n.channel, n.locale,
    n.state, n.reason, n.sent_at as "sentAt", n.created_at as "createdAt"
  from notification n left join policy p on p.id = n.policy_id
  where n.audience = 'holder' and n.to_ref = ${holderRef} order by n.created_at, n.id`

const trailOf = (holderRef: string) => sql`
  select e.seq, e.at, e.action, e.subject, e.details from audit_event e
  where e.subject in (
    select 'holder:' || ${holderRef}::text
    union all
    select 'privacy-request:' || r.id from privacy_request r where r.holder_ref = ${holderRef}
    union all
    select 'privacy-request:' || r.id from privacy_request_archive r
    where r.holder_ref = ${holderRef}
    union all
    select 'policy:' || p.policy_number from policy p where p.payee_ref = ${holderRef}
  )
  order by e.seq`
