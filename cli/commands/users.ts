/** `groundstop users`: who may sign in. */
import { InvalidArgumentError, type Command } from 'commander'

import { createScryptPasswords } from '../../adapters/passwords/scrypt-passwords.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createUserStore } from '../../db/stores/user-store.ts'
import type { ListedUser, UserChange } from '../../domain/ports/user-store.ts'
import { DEFAULT_TENANT, ROLES, USER_NAME, type Role } from '../../domain/role.ts'
import {
  changeUser,
  createAdmin,
  FIRST_ADMIN,
  revokeSessions,
  UserError,
  type UserDeps,
} from '../../operations/manage-users.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, loginActor, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { adminLines } from '../screen/admin-lines.ts'
import { tableLines, timeText } from '../screen/table.ts'

type TenantFlags = { readonly tenant: string }
type AdminFlags = ReadFlags & { readonly email: string; readonly name: string }
type ChangeFlags = NoteFlags & TenantFlags

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const users = program.command('users').description('who may sign in, and as what')
  addTenant(addPageOptions(users.command('list')))
    .description('list accounts by name')
    .action((flags: PageFlags & TenantFlags) =>
      // Read by the house, of a tenant: its callers are shown theirs over HTTP.
      printRead(
        context,
        { json: flags.json },
        {
          what: 'user',
          from: ({ db }) => createUserStore(db).list(flags.tenant, flags),
          lines: (page) => pageLines(page, userLines),
        },
      ),
    )
  users
    .command('create-admin')
    .description('make an admin; its password is printed once and changed at the first sign-in')
    .option('--email <address>', 'what is signed in with', emailOf, FIRST_ADMIN.email)
    .option('--name <name>', 'as it stands in the audit trail', nameOf, FIRST_ADMIN.name)
    .option('--json', 'print one JSON object', false)
    .action((flags: AdminFlags) => makeAdmin(context, flags))
  addChange(users, 'role', 'give a user another role; it holds at once')
    .argument('<role>', ROLES.join(', '), roleOf)
    .action((name: string, role: Role, flags: ChangeFlags) =>
      change(context, name, { kind: 'role', role }, flags),
    )
  addChange(users, 'disable', 'close an account and end its sessions').action(
    (name: string, flags: ChangeFlags) => change(context, name, { kind: 'disable' }, flags),
  )
  addChange(users, 'enable', 'open a closed account again').action(
    (name: string, flags: ChangeFlags) => change(context, name, { kind: 'enable' }, flags),
  )
  addChange(users, 'revoke-sessions', 'end all sessions of a user').action(
    (name: string, flags: ChangeFlags) => endSessions(context, name, flags),
  )
}

function addTenant(command: Command): Command {
  return command.option('--tenant <name>', 'whose users', DEFAULT_TENANT)
}

function addChange(users: Command, name: string, what: string): Command {
  const command = users.command(name).description(what).argument('<name>', 'name of the user')
  return addTenant(addNoteOptions(command))
}

async function makeAdmin(context: CliContext, { email, name, json }: AdminFlags): Promise<void> {
  await withUsers(context, async (deps) => {
    const passwords = createScryptPasswords()
    const request = { email, name, by: loginActor(), reason: 'groundstop users create-admin' }
    const made = await createAdmin({ ...deps, passwords }, request)
    context.stdout.write(`${json ? JSON.stringify(made) : adminLines(made).join('\n')}\n`)
  })
}

async function change(
  context: CliContext,
  name: string,
  wanted: UserChange,
  flags: ChangeFlags,
): Promise<void> {
  const { tenant } = flags
  await withUsers(context, async (deps) => {
    const { userId } = await userOf(deps, tenant, name)
    const request = { ...noteOf(flags), tenant, userId, change: wanted }
    const { user, isChanged } = await changeUser(deps, request)
    const state = user.disabledAt === null ? user.role : 'disabled'
    context.stdout.write(`${name} ${isChanged ? 'is now' : 'was already'} ${state}\n`)
  })
}

async function endSessions(context: CliContext, name: string, flags: ChangeFlags): Promise<void> {
  const { tenant } = flags
  await withUsers(context, async (deps) => {
    const { userId } = await userOf(deps, tenant, name)
    const ended = await revokeSessions(deps, { ...noteOf(flags), tenant, userId })
    context.stdout.write(`${ended} sessions of ${name} ended\n`)
  })
}

async function userOf({ users }: UserDeps, tenant: string, name: string): Promise<ListedUser> {
  const user = await users.findByName(tenant, name)
  if (user === null) throw new CliError(`there is no user ${name}`)
  return user
}

/** Works over the users of the instance. A UserError becomes a message. */
async function withUsers(
  context: CliContext,
  work: (deps: UserDeps) => Promise<void>,
): Promise<void> {
  await using database = await openDatabase(context)
  const { db } = database
  await assertSchemaCurrent(db)
  try {
    const clock = createVirtualClock(createClockStore(db))
    await work({ users: createUserStore(db), clock })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new CliError(error.message, undefined, { cause: error })
  }
}

function userLines(items: readonly ListedUser[]): string[] {
  return tableLines(
    ['name', 'e-mail', 'role', 'state', 'sessions', 'last seen, UTC'],
    items.map((user) => [
      user.name,
      user.email,
      user.role,
      stateOf(user),
      user.sessions,
      timeText(user.lastSeenAt),
    ]),
  )
}

function stateOf(user: ListedUser): string {
  if (user.disabledAt !== null) return 'disabled'
  if (!user.isEmailVerified) return 'invited'
  return user.mustChangePassword ? 'must change password' : 'active'
}

function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text)
  if (role === undefined) throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`)
  return role
}

function nameOf(text: string): string {
  if (USER_NAME.test(text)) return text
  throw new InvalidArgumentError('It must be a name without blanks and @, 1 to 64 characters.')
}

function emailOf(text: string): string {
  if (/^[^\s@<>]{1,64}@[A-Za-z0-9.-]{3,190}$/.test(text)) return text
  throw new InvalidArgumentError('It must be an e-mail address.')
}
