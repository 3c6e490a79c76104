/** The files that killed jobs find in a home, and what they leave there: logs, rings of keys, reports, archives. */
import { linkSync, watch, type FSWatcher } from 'node:fs'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { readKeyRingFile, writeKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { newKeyMaterial } from '../../adapters/secrets/key-ring-sources.ts'
import type { KeyRing, RingKey } from '../../domain/key-ring.ts'
import { addMs, DAY_MS, instantFromMs } from '../../domain/time.ts'
import { testKey } from './payload-keys.ts'

/** Some seconds of compressing, so that its beginning is seen before its end. */
const LOG_MB = 128
const LOG = 'worker.log.20260101000000000'

/** Half a second of removing, so that its beginning is seen before its end. */
const AGED_LOGS = 10_000
const AGED_LOG = 'worker.log.2020'

const NOW = instantFromMs(Date.now())

const PAYLOAD_RING: KeyRing = {
  keys: [key('pay1', 'active', 300), key('pay2', 'waiting', 1)],
}

function key(keyId: string, state: RingKey['state'], days: number): RingKey {
  const since = addMs(NOW, -days * DAY_MS)
  return testKey(keyId, {
    state,
    createdAt: since,
    activatedAt: state === 'active' ? since : null,
    replacedAt: state === 'replaced' ? since : null,
  })
}

/** What payloads are closed with; the second key is to be put to use. */
export function payloadRing(): KeyRing {
  return PAYLOAD_RING
}

/** A log to compress, and two rings that are due. */
export async function seedFiles(home: string): Promise<void> {
  await mkdir(join(home, 'logs'), { recursive: true })
  const line = Buffer.from(`${newKeyMaterial()}\n`)
  await writeFile(join(home, 'logs', LOG), Buffer.alloc(LOG_MB * 1_000_000, line))
  await writeKeyRingFile(payloadRingPath(home), PAYLOAD_RING)
  await writeKeyRingFile(webhookRingPath(home), {
    keys: [key('old', 'replaced', 200), key('new', 'active', 1)],
  })
}

/** Thousands of rotated logs that have had their time, all names of one file. */
export async function placeAgedLogs(home: string): Promise<void> {
  const path = (n: number) => join(home, 'logs', `${AGED_LOG}${String(n).padStart(13, '0')}.gz`)
  const changedAt = new Date(Date.now() - 1_000 * DAY_MS)
  await writeFile(path(0), '')
  await utimes(path(0), changedAt, changedAt)
  for (let n = 1; n < AGED_LOGS; n += 1) linkSync(path(0), path(n))
}

/** Calls once, when the first of them goes. */
export function onAgedLogGone(home: string, gone: () => void): FSWatcher {
  const watcher = watch(join(home, 'logs'), (_event, name) => {
    if (name?.startsWith(AGED_LOG) !== true) return
    watcher.close()
    gone()
  })
  return watcher
}

/** The webhook's key ring. */
export function webhookRingPath(home: string): string {
  return join(home, 'webhook-keys.json')
}

/** The key ring of payloads. */
export function payloadRingPath(home: string): string {
  return join(home, 'payload-keys.json')
}

/** What is seen while the log is compressed. */
export function logDraft(home: string): string {
  return join(home, 'logs', `${LOG}.gz.draft`)
}

/** How many rotated logs are left that have had their time. */
export async function agedLogsLeft(home: string): Promise<number> {
  const names = await namesUnder(join(home, 'logs'))
  return names.filter((name) => name.startsWith(AGED_LOG)).length
}

/** What the jobs leave in files, by job; random bytes and times of the wall left out. */
export async function filesAfter(home: string): Promise<Record<string, unknown>> {
  const log = await readFile(join(home, 'logs', `${LOG}.gz`))
  return {
    logs: await namesUnder(join(home, 'logs')),
    log: gunzipSync(log).length,
    'payload ring': await keysOf(payloadRingPath(home)),
    'webhook ring': await keysOf(webhookRingPath(home)),
    archives: await namesUnder(join(home, 'audit-archive')),
    exports: (await namesUnder(join(home, 'privacy'))).map((name) =>
      name.replaceAll(/[0-9a-f-]{36}/g, '<id>'),
    ),
    reports: await reportsUnder(join(home, 'reports')),
  }
}

/** Ids and states, without material. */
async function keysOf(path: string): Promise<string[]> {
  const { ring } = await readKeyRingFile(path)
  return ring.keys.map(({ keyId, state }) => `${keyId} ${state}`)
}

async function namesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted()
}

/** The text of every report's files, without when they were made. */
async function reportsUnder(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts: Record<string, string> = {}
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const text = await readFile(path, 'latin1')
    texts[path.slice(folder.length)] = text.replaceAll(/"generatedAt\w*": ?"[^"]*"/g, '')
  }
  return texts
}
