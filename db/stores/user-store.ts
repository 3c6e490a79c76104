/** Users in Postgres, next to better-auth's own writes (`sign-in-tables.ts`). */
import { sql } from 'kysely'

import type {
  AccessNote,
  ListedUser,
  NewUser,
  UserChange,
  UserChanged,
  UserCreated,
  UserStore,
} from '../../domain/ports/user-store.ts'
import type { Database } from '../client.ts'
import { keyPart, pageOf, readKey } from '../keyset.ts'

/** The user store over `db`. */
export function createUserStore(db: Database): UserStore {
  return {
    async list(tenant, page) {
      const scope = ['users', tenant]
      const [after = ''] = readKey(page, scope, [keyPart.text]) ?? []
      const { rows } = await sql<ListedUser>`
        ${listed} where u.tenant = ${tenant} and u.name > ${after}
        order by u.name limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, { item: (row) => row, key: ({ name }) => [name] })
    },
    find: (tenant, userId) => findUser(db, tenant, userId),
    async findByName(tenant, name) {
      const { rows } = await sql<ListedUser>`
        ${listed} where u.tenant = ${tenant} and u.name = ${name}`.execute(db)
      return rows[0] ?? null
    },
    isAny: () => isAny(db),
    create: (user, note) =>
      db.transaction().execute(async (trx) => {
        await takeTurns(trx)
        return insertUser(trx, user, note)
      }),
    createFirst: (user, note) =>
      db.transaction().execute(async (trx) => {
        await takeTurns(trx)
        return !(await isAny(trx)) && (await insertUser(trx, user, note)) === 'created'
      }),
    change: (tenant, userId, change, note) =>
      db.transaction().execute(async (trx) => {
        await takeTurns(trx)
        return changeUser(trx, { tenant, userId, change, note })
      }),
    revokeSessions: (tenant, userId, note) =>
      db.transaction().execute(async (trx) => {
        const user = await findUser(trx, tenant, userId)
        if (user === null) return null
        const sessions = await endSessions(trx, userId)
        const details = { sessions, reason: note.reason }
        await recordEvent(trx, {
          ...note,
          action: 'user.revoke-sessions',
          name: user.name,
          details,
        })
        return sessions
      }),
    async settle(userId, { isEmailVerified = null, mustChangePassword = null }) {
      await sql`
        update auth_user set email_verified = coalesce(${isEmailVerified}::boolean, email_verified),
          must_change_password = coalesce(${mustChangePassword}::boolean, must_change_password),
          updated_at = now()
        where id = ${userId}`.execute(db)
    },
    async record(userId, deed, at, from) {
      await sql`
        insert into audit_event (at, actor, action, subject, details)
        select ${at}::timestamptz, u.name, ${deed}, 'user:' || u.name,
          ${JSON.stringify(from === undefined ? {} : { from })}::jsonb
        from auth_user u where u.id = ${userId}`.execute(db)
    },
  }
}

const listed = sql`
  select u.id as "userId", u.name, u.email, u.role, u.email_verified as "isEmailVerified",
    u.must_change_password as "mustChangePassword", u.disabled_at as "disabledAt",
    u.created_at as "createdAt", coalesce(s.sessions, 0) as sessions, s.last_seen_at as "lastSeenAt"
  from auth_user u
  left join lateral (
    select count(*) filter (where x.expires_at > now()) as sessions, max(x.updated_at) as last_seen_at
    from auth_session x where x.user_id = u.id
  ) s on true`

async function findUser(db: Database, tenant: string, userId: string): Promise<ListedUser | null> {
  const { rows } = await sql<ListedUser>`
    ${listed} where u.tenant = ${tenant} and u.id = ${userId}`.execute(db)
  return rows[0] ?? null
}

async function isAny(db: Database): Promise<boolean> {
  const { rows } = await sql`select u.id from auth_user u limit 1`.execute(db)
  return rows.length > 0
}

/** Changes of users are rare; in turns, the last admin cannot be taken away by two of them at once. */
async function takeTurns(trx: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('auth_user', 0))`.execute(trx)
}

async function insertUser(trx: Database, user: NewUser, note: AccessNote): Promise<UserCreated> {
  const { userId, tenant, name, email, role, isEmailVerified, password } = user
  const taken = await sql<{ name: string }>`
    select u.name from auth_user u where u.name = ${name} or u.email = ${email} limit 2`.execute(
    trx,
  )
  if (taken.rows.length > 0) {
    return taken.rows.some((row) => row.name === name) ? 'name-taken' : 'email-taken'
  }
  await sql`
    insert into auth_user (id, tenant, name, email, role, email_verified, must_change_password)
    values (${userId}, ${tenant}, ${name}, ${email}, ${role}, ${isEmailVerified},
      ${password?.mustChange ?? false})`.execute(trx)
  if (password !== null) {
    await sql`
      insert into auth_account (id, user_id, provider_id, account_id, password)
      values (gen_random_uuid()::text, ${userId}, 'credential', ${userId}, ${password.hash})`.execute(
      trx,
    )
  }
  const details = { role, tenant, reason: note.reason }
  await recordEvent(trx, { ...note, action: 'user.create', name, details })
  return 'created'
}

type ChangeRequest = {
  readonly tenant: string
  readonly userId: string
  readonly change: UserChange
  readonly note: AccessNote
}

async function changeUser(
  trx: Database,
  { tenant, userId, change, note }: ChangeRequest,
): Promise<UserChanged> {
  const user = await findUser(trx, tenant, userId)
  if (user === null) return { kind: 'unknown' }
  const isDisabled = user.disabledAt !== null
  const after = afterChange(user, change)
  if (after.role === user.role && after.isDisabled === isDisabled) {
    return { kind: 'done', isChanged: false, user }
  }
  const wasAdmin = user.role === 'admin' && !isDisabled
  const staysAdmin = after.role === 'admin' && !after.isDisabled
  if (wasAdmin && !staysAdmin && (await isLastAdmin(trx, tenant, userId))) {
    return { kind: 'last-admin' }
  }
  await sql`
    update auth_user set role = ${after.role}, updated_at = now(),
      disabled_at = case when ${after.isDisabled} then coalesce(disabled_at, now()) end
    where id = ${userId}`.execute(trx)
  // Rights that were taken away end at once, also in sessions that are open.
  const sessions = after.isDisabled ? await endSessions(trx, userId) : 0
  const before = { role: user.role, isDisabled }
  const details = { before, after, sessions, reason: note.reason }
  await recordEvent(trx, { ...note, action: `user.${change.kind}`, name: user.name, details })
  const changed = await findUser(trx, tenant, userId)
  return changed === null ? { kind: 'unknown' } : { kind: 'done', isChanged: true, user: changed }
}

function afterChange(user: ListedUser, change: UserChange) {
  switch (change.kind) {
    case 'role':
      return { role: change.role, isDisabled: user.disabledAt !== null }
    case 'disable':
      return { role: user.role, isDisabled: true }
    case 'enable':
      return { role: user.role, isDisabled: false }
  }
}

async function isLastAdmin(trx: Database, tenant: string, userId: string): Promise<boolean> {
  const { rows } = await sql`
    select u.id from auth_user u
    where u.tenant = ${tenant} and u.role = 'admin' and u.disabled_at is null and u.email_verified
      and u.id <> ${userId} limit 1`.execute(trx)
  return rows.length === 0
}

async function endSessions(trx: Database, userId: string): Promise<number> {
  const { rows } = await sql`
    delete from auth_session where user_id = ${userId} returning id`.execute(trx)
  return rows.length
}

type AccessEvent = AccessNote & {
  readonly action: string
  readonly name: string
  readonly details: Readonly<Record<string, unknown>>
}

async function recordEvent(trx: Database, event: AccessEvent): Promise<void> {
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${event.at}::timestamptz, ${event.by}, ${event.action}, ${`user:${event.name}`},
      ${JSON.stringify(event.details)}::jsonb)`.execute(trx)
}
