/**
 * Writes a whole demo's year into an empty book: contacts, what people and programs left behind, the book day
 * by day, messages, files. A database is seeded once; one that was broken off in the middle stays refused.
 */
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import { createContactStore } from '../../db/stores/contact-store.ts'
import {
  plantApiKeys,
  plantAuditEvents,
  plantMailCodes,
  plantProofs,
  plantSessions,
  plantUsers,
} from '../../db/stores/seed-access.ts'
import {
  plantListedTransfers,
  plantProviderMinutes,
  plantProviderProcesses,
  plantQuotes,
  plantRailEvents,
  plantRailHolds,
  plantRequests,
  plantTasks,
} from '../../db/stores/seed-leftovers.ts'
import { beginSeed, endSeed, readHindrances } from '../../db/stores/seed-mark.ts'
import {
  listSeededCopies,
  plantIncidents,
  plantNotices,
  plantOldMessages,
  plantOperatorMessages,
  plantPrivacyRequests,
} from '../../db/stores/seed-messages.ts'
import { ROWS_PER_PAGE, type Planter } from '../../db/stores/seed-page.ts'
import { plantRunLines, plantRuns } from '../../db/stores/seed-runs.ts'
import { CONTACTS_PER_SAVE } from '../../domain/ports/contact-store.ts'
import { addMs, DAY_MS } from '../../domain/time.ts'
import { demoPerson } from './demo-contacts.ts'
import { seedBook, type SeedBookDeps, type SeedProgress } from './seed-book.ts'
import { seedFiles, type SeedFolders } from './seed-files.ts'
import { POLICIES_PER_LEG, type SeedCounts, type SeedPlan } from './seed-plan.ts'
import { seedHolder } from './seed-policies.ts'

/** What a year is written over. */
export type SeedDeps = SeedBookDeps & {
  /** Closes what names persons; null: it is closed by the next rotation of keys. */
  readonly ring: KeyRingSource | null
  readonly folders: SeedFolders
}

/** The database must not be seeded; the message says why and what to do. Nothing was written. */
export class SeedRefusedError extends Error {
  override readonly name = 'SeedRefusedError'
}

type Planting = {
  readonly rows: keyof SeedCounts
  readonly plant: Planter
  /** Rows of one transaction; ROWS_PER_PAGE when left out. */
  readonly perPage?: number
}

/** The head of the chain has a version for each event of a transaction, and each event looks through them. */
const EVENTS_PER_PAGE = 100

/** Before the book: those that it or others refer to. Audit events first, as the chain is in their order. */
const BEFORE: readonly Planting[] = [
  { rows: 'auditEvents', plant: plantAuditEvents, perPage: EVENTS_PER_PAGE },
  { rows: 'users', plant: plantUsers },
  { rows: 'sessions', plant: plantSessions },
  { rows: 'mailCodes', plant: plantMailCodes },
  { rows: 'apiKeys', plant: plantApiKeys },
  { rows: 'proofs', plant: plantProofs },
  { rows: 'requests', plant: plantRequests },
  { rows: 'listedTransfers', plant: plantListedTransfers },
  { rows: 'tasks', plant: plantTasks },
  { rows: 'notices', plant: plantNotices },
  { rows: 'operatorMessages', plant: plantOperatorMessages },
  { rows: 'runs', plant: plantRuns },
  { rows: 'runLines', plant: plantRunLines },
  { rows: 'providerMinutes', plant: plantProviderMinutes },
  { rows: 'providerProcesses', plant: plantProviderProcesses },
  { rows: 'privacyRequests', plant: plantPrivacyRequests },
]

/** After it: what the year's own payments and policies must not meet, or refers to them. */
const AFTER: readonly Planting[] = [
  { rows: 'quotes', plant: plantQuotes },
  { rows: 'railEvents', plant: plantRailEvents },
  { rows: 'railHolds', plant: plantRailHolds },
  { rows: 'oldMessages', plant: plantOldMessages },
]

/** A policy costs as much as so many of the other rows. */
const ROWS_PER_POLICY = 10

/** Copies are kept for a week: some are older. */
const COPIES_MS = 14 * DAY_MS
const COPIES_AT_MOST = 500

/** Of the whole, told as it grows. */
export type SeedingProgress = {
  readonly signal: AbortSignal
  /** From 0 to 1, and what is being written. */
  readonly onProgress: (share: number, what: string) => void
}

/** Throws SeedRefusedError when something speaks against seeding this database. */
export async function requireSeedable(db: SeedBookDeps['db']): Promise<void> {
  const { mark, hasPolicies, workers } = await readHindrances(db)
  if (mark !== null) {
    const how = mark.isComplete ? 'holds a demo already' : 'holds a demo that was broken off'
    throw new SeedRefusedError(
      `this database ${how} (--scale ${mark.scale} --seed ${mark.seed}): a database is seeded once. ` +
        'Begin anew in another home (GROUNDSTOP_HOME) or another database',
    )
  }
  if (hasPolicies) {
    throw new SeedRefusedError(
      'this database holds policies: a demo is seeded into an empty book only, so that it never mixes ' +
        'with another one. Begin in another home (GROUNDSTOP_HOME) or another database',
    )
  }
  if (workers > 0) {
    throw new SeedRefusedError('a worker is at work on this database: stop it while it is seeded')
  }
}

/** Seeds. Throws SeedRefusedError, and the signal's reason when aborted: what is written then stays half. */
export async function seedDemo(
  deps: SeedDeps,
  plan: SeedPlan,
  { signal, onProgress }: SeedingProgress,
): Promise<void> {
  const { db } = deps
  await requireSeedable(db)
  const { scale, seed, until, counts } = plan
  if (!(await beginSeed(db, { scale, seed, until, isComplete: false }))) {
    throw new SeedRefusedError('this database is being seeded by another process')
  }
  const policies = (counts.flownLegs + counts.comingLegs) * POLICIES_PER_LEG
  const others = [...BEFORE, ...AFTER].reduce((sum, { rows }) => sum + counts[rows], counts.holders)
  const total = others + policies * ROWS_PER_POLICY
  let done = 0
  const tell = (rows: number, what: string): void => {
    signal.throwIfAborted()
    onProgress(Math.min(1, (done + rows) / total), what)
  }
  for (const planting of BEFORE) done += await plantAll(deps, plan, planting, tell)
  done += await seedContacts(deps, plan, tell)
  const bookProgress: SeedProgress = {
    signal,
    onProgress: (bound) => tell(bound * ROWS_PER_POLICY, 'policies'),
  }
  await seedBook(deps, plan, bookProgress)
  done += policies * ROWS_PER_POLICY
  for (const planting of AFTER) done += await plantAll(deps, plan, planting, tell)
  await plantIncidents(db)
  const copies = await listSeededCopies(db, addMs(plan.wallUntil, -COPIES_MS), COPIES_AT_MOST)
  await seedFiles(deps.folders, plan.wallUntil, { size: counts.logFiles, copies })
  await endSeed(db)
  tell(0, 'done')
}

type Tell = (rows: number, what: string) => void

async function plantAll(
  { db }: SeedDeps,
  plan: SeedPlan,
  { rows, plant, perPage = ROWS_PER_PAGE }: Planting,
  tell: Tell,
): Promise<number> {
  const { seed, until, wallUntil, counts } = plan
  const of = counts[rows]
  const common = { of, seed, until, wallUntil, users: counts.users, holders: counts.holders }
  for (let first = 1; first <= of; first += perPage) {
    tell(first - 1, rows)
    const last = Math.min(of, first + perPage - 1)
    await db.transaction().execute((trx) => plant(trx, { ...common, first, last }))
  }
  return of
}

/** Contacts of the holders, by the product's own store: closed with keys of their own. */
async function seedContacts(
  { db, ring }: SeedDeps,
  { counts: { holders } }: SeedPlan,
  tell: Tell,
): Promise<number> {
  const contactStore = createContactStore(db, ring)
  for (let first = 0; first < holders; first += CONTACTS_PER_SAVE) {
    tell(first, 'holders')
    const size = Math.min(CONTACTS_PER_SAVE, holders - first)
    const contacts = Array.from({ length: size }, (_, index) => contactOf(first + index))
    await contactStore.save(contacts.filter((contact) => contact !== null))
  }
  return holders
}

function contactOf(n: number) {
  const person = demoPerson(n)
  if (person === null) return null
  const { name: displayName, email, locale } = person
  const channels = ['email' as const]
  return { holderRef: seedHolder(n), displayName, email, phone: null, locale, channels, push: null }
}
