/** What lies where in an instance's home. */
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { wipeEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { wipeTemporalDatabase } from '../../platform/embedded/temporal-server.ts'

export type Home = {
  readonly folder: string
  readonly postgres: string
  readonly temporalDatabase: string
  readonly logs: string
  /** Reports of the book that lies in this home. */
  readonly reports: string
  /** What belongs to the audit trail of this home's book. */
  readonly auditArchive: string
  readonly auditAnchors: string
  /** Money that the local payment provider moved, append-only. */
  readonly paymentsLog: string
  readonly demoPolicies: string
  readonly demoContacts: string
  /** The ring that payloads of this home's Temporal are encrypted with. */
  readonly payloadKeys: string
}

/** The paths of a home. Nothing is made. */
export function homeOf(folder: string): Home {
  const root = resolve(folder)
  return {
    folder: root,
    postgres: join(root, 'postgres'),
    temporalDatabase: join(root, 'temporal.db'),
    logs: join(root, 'logs'),
    reports: join(root, 'reports'),
    auditArchive: join(root, 'audit-archive'),
    auditAnchors: join(root, 'audit-anchors'),
    paymentsLog: join(root, 'payments.jsonl'),
    demoPolicies: join(root, 'demo-policies.csv'),
    demoContacts: join(root, 'demo-contacts.csv'),
    payloadKeys: join(root, 'payload-keys.json'),
  }
}

/** Makes the folders that everybody writes to. */
export async function prepareHome(home: Home): Promise<void> {
  await mkdir(home.logs, { recursive: true })
}

/** Removes everything that `start` made, and nothing else that lies in the home. */
export async function wipeHome(home: Home): Promise<void> {
  await wipeEmbeddedPostgres(home.postgres)
  await wipeTemporalDatabase(home.temporalDatabase)
  for (const path of [
    home.postgres,
    home.logs,
    home.reports,
    home.auditArchive,
    home.auditAnchors,
    home.paymentsLog,
    home.demoPolicies,
    home.demoContacts,
    home.payloadKeys,
  ]) {
    await rm(path, { recursive: true, force: true })
  }
}
