/** `groundstop privacy`: requests of persons about their own data. */
import { InvalidArgumentError, Option, type Command } from 'commander'

import { createPrivacyExports } from '../../adapters/files/privacy-exports.ts'
import type { Config } from '../../config/config.ts'
import type { Database } from '../../db/client.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import type { PrivacyRequest } from '../../domain/ports/privacy-requests.ts'
import {
  isPrivacyOverdue,
  PRIVACY_KINDS,
  PRIVACY_TRANSITIONS,
  type PrivacyKind,
  type PrivacyState,
} from '../../domain/privacy-request.ts'
import { instantFromMs, parseInstant, type Instant } from '../../domain/time.ts'
import {
  PrivacyRefusedError,
  putExportLink,
  receivePrivacyRequest,
  refusePrivacyRequest,
} from '../../operations/manage-privacy-requests.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createPrivacyRuns } from '../../platform/temporal/privacy-runs.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  addReadOptions,
  addTenantOption,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { connectTemporal } from '../temporal-access.ts'
import { holderRef } from '../text-arguments.ts'

type ListFlags = PageFlags & {
  readonly kind?: PrivacyKind
  readonly state?: PrivacyState
  readonly overdue?: boolean
}

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const privacy = program
    .command('privacy')
    .description('requests of persons about their own data: copies and erasure')
  addTenantOption(addPageOptions(privacy.command('list')))
    .description('list requests, the newest first')
    .addOption(new Option('--kind <kind>').choices(PRIVACY_KINDS))
    .addOption(new Option('--state <state>').choices(Object.keys(PRIVACY_TRANSITIONS)))
    .option('--overdue', 'open ones past their month')
    .action((flags: ListFlags) => list(context, flags))
  addTenantOption(addReadOptions(privacy.command('show')))
    .description('one request with its clock and its answer')
    .argument('<id>', 'as `list` shows it', parseId)
    .action((id: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `request ${id}`,
        from: async ({ db }) => {
          const found = await createPrivacyRequestStore(db).find(id)
          return found === null ? null : shown(found)
        },
        lines: requestLines,
      }),
    )
  addNoteOptions(privacy.command('request'))
    .description('write a request down and start answering it')
    .argument('<holder-ref>', "the policies' payee_ref", holderRef)
    .addOption(new Option('--kind <kind>').choices(PRIVACY_KINDS).makeOptionMandatory())
    .option('--received-at <moment>', 'when it arrived; now when left out', momentOf)
    .action((holder: string, flags: RequestFlags) => request(context, holder, flags))
  addNoteOptions(privacy.command('refuse'))
    .description('refuse an open request; the reason is what the person is told')
    .argument('<id>', 'as `list` shows it', parseId)
    .action((id: string, flags: NoteFlags) => refuse(context, id, flags))
  addNoteOptions(privacy.command('link'))
    .description('put out a link to the copy, in place of any other; it is printed this once')
    .argument('<id>', 'as `list` shows it', parseId)
    .action((id: string, flags: NoteFlags) => link(context, id, flags))
}

type RequestFlags = NoteFlags & { readonly kind: PrivacyKind; readonly receivedAt?: Instant }

function list(context: CliContext, flags: ListFlags): Promise<void> {
  const { kind, state, overdue } = flags
  const dueBefore = overdue === true ? instantFromMs(Date.now()) : undefined
  return printRead(context, flags, {
    what: 'request',
    from: async ({ db }) => {
      const page = await createPrivacyRequestStore(db).list({ kind, state, dueBefore }, flags)
      return { ...page, items: page.items.map(shown) }
    },
    lines: (page) => pageLines(page, lines),
  })
}

/** As the API gives it. */
function shown(request: PrivacyRequest): PrivacyRequest & { readonly isOverdue: boolean } {
  return { ...request, isOverdue: isPrivacyOverdue(request, instantFromMs(Date.now())) }
}

function depsOf(db: Database, config: Config) {
  return {
    privacyRequests: createPrivacyRequestStore(db),
    privacyExports: createPrivacyExports(config.privacyExportsDir),
    clock: createVirtualClock(createClockStore(db)),
    wallNow: () => instantFromMs(Date.now()),
  }
}

async function request(
  context: CliContext,
  holder: string,
  { kind, receivedAt, ...flags }: RequestFlags,
): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const { db, config } = database
  await assertSchemaCurrent(db)
  const asked = { kind, holderRef: holder, receivedAt: receivedAt ?? null, ...note }
  const done = await explained(receivePrivacyRequest(depsOf(db, config), asked))
  context.stdout.write(`${requestLines(done.request).join('\n')}\n`)
  await using temporal = await connectTemporal(context, config)
  const { client } = temporal
  await createPrivacyRuns({ client, terms: config.jobTerms }).start(done.request.requestId)
}

async function refuse(context: CliContext, id: string, flags: NoteFlags): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const { db, config } = database
  const refused = await explained(refusePrivacyRequest(depsOf(db, config), id, note))
  context.stdout.write(`${requestLines(refused).join('\n')}\n`)
}

async function link(context: CliContext, id: string, flags: NoteFlags): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const { db, config } = database
  const { token, expiresAt, tries } = await explained(putExportLink(depsOf(db, config), id, note))
  const base = config.api.publicUrl ?? `http://${config.api.host}:${config.api.port}`
  context.stdout.write(
    `${base}/api/privacy-exports/${id}/${token}\nopens ${tries} times, until ${timeText(expiresAt)}\n`,
  )
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof PrivacyRefusedError)) throw error
    throw new CliError(error.message, undefined, { cause: error })
  }
}

function lines(items: readonly PrivacyRequest[]): string[] {
  return tableLines(
    ['request', 'kind', 'holder', 'state', 'received, UTC', 'due, UTC', 'waits for'],
    items.map((one) => [
      one.requestId,
      one.kind,
      one.holderRef,
      stateText(one),
      timeText(one.receivedAt),
      timeText(one.dueAt),
      one.waitsFor ?? '',
    ]),
  )
}

function stateText({ state, closedAt, dueAt }: PrivacyRequest): string {
  const isLate = (closedAt ?? instantFromMs(Date.now())) > dueAt
  return isLate ? `${state}, late` : state
}

function requestLines(one: PrivacyRequest): string[] {
  const { link: out, file, closedAt, refusal, waitsFor } = one
  return fieldLines([
    ['request', one.requestId],
    ['kind', one.kind],
    ['holder', one.holderRef],
    ['state', stateText(one)],
    ['received', `${timeText(one.receivedAt)} by ${one.receivedBy}`],
    ['due', timeText(one.dueAt)],
    ...(waitsFor === null ? [] : [['waits for', waitsFor] as const]),
    ...(closedAt === null ? [] : [['answered', timeText(closedAt)] as const]),
    ...(refusal === null ? [] : [['refused because', refusal] as const]),
    ...(file === null ? [] : [['copy', `${file.bytes} bytes, SHA-256 ${file.sha256}`] as const]),
    ...(out === null
      ? []
      : [['link', `opens ${out.triesLeft} times, until ${timeText(out.expiresAt)}`] as const]),
  ])
}

function momentOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('an instant, as 2026-11-26T09:00:00Z')
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function parseId(text: string): string {
  const id = text.toLowerCase()
  if (UUID.test(id)) return id
  throw new InvalidArgumentError('the id of a request, as `privacy list` shows it')
}
