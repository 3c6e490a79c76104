/** `groundstop api-keys`: what programs send instead of signing in. */
import { InvalidArgumentError, type Command } from 'commander'

import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createApiKeyStore } from '../../db/stores/api-key-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import type { ListedApiKey } from '../../domain/ports/api-key-store.ts'
import {
  CALLER_NAME,
  DEFAULT_TENANT,
  DPOP_THUMBPRINT,
  ROLES,
  type Role,
} from '../../domain/role.ts'
import { parseInstant, type Instant } from '../../domain/time.ts'
import {
  ApiKeyError,
  createApiKey,
  revokeApiKey,
  type ApiKeyDeps,
} from '../../operations/manage-api-keys.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  addReadOptions,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { parseTenant } from '../tenant-argument.ts'

type TenantFlags = { readonly tenant: string }
type CreateFlags = NoteFlags &
  ReadFlags &
  TenantFlags & {
    readonly role: Role
    readonly expires?: Instant
    readonly dpop?: string
  }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const keys = program.command('api-keys').description('what programs send instead of signing in')
  addTenant(addPageOptions(keys.command('list')))
    .description('list keys, the newest first')
    .action((flags: PageFlags & TenantFlags) =>
      // Read by the house, of a tenant: its callers are shown theirs over HTTP.
      printRead(
        context,
        { json: flags.json },
        {
          what: 'API key',
          from: ({ db }) => createApiKeyStore(db).list(flags.tenant, flags),
          lines: (page) => pageLines(page, keyLines),
        },
      ),
    )
  addTenant(addReadOptions(addNoteOptions(keys.command('create'))))
    .description('make a key; it is printed this once')
    .argument('<name>', 'as it stands in the audit trail, after key:', nameOf)
    .requiredOption('--role <role>', ROLES.join(', '), roleOf)
    .option(
      '--expires <instant>',
      'as 2027-01-01T00:00:00Z; until revoked when left out',
      instantOf,
    )
    .option('--dpop <thumbprint>', 'taken with proofs of this key pair alone', thumbprintOf)
    .action((name: string, flags: CreateFlags) => create(context, name, flags))
  addTenant(addNoteOptions(keys.command('revoke')))
    .description('revoke a key; it opens nothing from now on')
    .argument('<id>', 'as the list shows it')
    .action((apiKeyId: string, flags: NoteFlags & TenantFlags) => revoke(context, apiKeyId, flags))
}

function addTenant(command: Command): Command {
  return command.option('--tenant <name>', 'whose keys', parseTenant, DEFAULT_TENANT)
}

function create(context: CliContext, name: string, flags: CreateFlags): Promise<void> {
  const { tenant, role, expires: expiresAt = null, dpop: dpopThumbprint = null, json } = flags
  return withKeys(context, async (deps) => {
    const request = { ...noteOf(flags), tenant, name, role, expiresAt, dpopThumbprint }
    const made = await createApiKey(deps, request)
    const lines = [`key ${name}, shown this once:`, made.secret]
    context.stdout.write(`${json ? JSON.stringify(made) : lines.join('\n')}\n`)
  })
}

function revoke(
  context: CliContext,
  apiKeyId: string,
  flags: NoteFlags & TenantFlags,
): Promise<void> {
  return withKeys(context, async (deps) => {
    const request = { ...noteOf(flags), tenant: flags.tenant, apiKeyId }
    const { isChanged } = await revokeApiKey(deps, request)
    context.stdout.write(`${apiKeyId} ${isChanged ? 'is' : 'was already'} revoked\n`)
  })
}

/** Works over the keys of the instance. An ApiKeyError becomes a message. */
async function withKeys(
  context: CliContext,
  work: (deps: ApiKeyDeps) => Promise<void>,
): Promise<void> {
  await using database = await openDatabase(context)
  const { db } = database
  await assertSchemaCurrent(db)
  try {
    await work({
      apiKeys: createApiKeyStore(db),
      clock: createVirtualClock(createClockStore(db)),
      wallClock: createSystemClock(),
    })
  } catch (error) {
    if (!(error instanceof ApiKeyError)) throw error
    throw new CliError(error.message, undefined, { cause: error })
  }
}

function keyLines(items: readonly ListedApiKey[]): string[] {
  return tableLines(
    ['id', 'name', 'role', 'key', 'bound', 'expires, UTC', 'revoked, UTC', 'last used, UTC'],
    items.map((key) => [
      key.apiKeyId,
      key.name,
      key.role,
      `${key.hint}...`,
      key.dpopThumbprint === null ? '' : 'DPoP',
      timeText(key.expiresAt),
      timeText(key.revokedAt),
      timeText(key.lastUsedAt),
    ]),
  )
}

function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text)
  if (role === undefined) throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`)
  return role
}

function nameOf(text: string): string {
  if (CALLER_NAME.test(text)) return text
  throw new InvalidArgumentError('It must be a name without blanks, 1 to 64 characters.')
}

function thumbprintOf(text: string): string {
  if (DPOP_THUMBPRINT.test(text)) return text
  throw new InvalidArgumentError('It must be a thumbprint of RFC 7638 with SHA-256.')
}

function instantOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('It must be an instant with an offset: 2027-01-01T00:00:00Z.')
  }
}
