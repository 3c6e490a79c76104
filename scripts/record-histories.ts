/**
 * Records the histories that replay tests hold the workflows to: runs every case of
 * `test/support/history-cases.ts` on a Temporal server of its own and writes
 * `test/replay/histories/<job>.<case>.<yyyy-mm>.json`; those of the example pack lie in it. With arguments, only cases whose name
 * contains one of them. Older recordings stay: they are the runs in flight of their month.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

import type { KeyRingSource } from '../domain/ports/key-rings.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../platform/embedded/temporal-binary.ts'
import { startEmbeddedTemporal } from '../platform/embedded/temporal-server.ts'
import { HISTORY_CASES, runCase } from '../test/support/history-cases.ts'
import { EXAMPLE, PACK_CASES } from '../test/support/pack-histories.ts'
import { ChangingKeys, RECORDED_RING } from '../test/support/payload-keys.ts'
import { createTemporalRig, type TemporalRig } from '../test/support/temporal-rig.ts'

const TARGET = fileURLToPath(new URL('../test/replay/histories', import.meta.url))
const ENCRYPTED_TARGET = fileURLToPath(new URL('../test/replay/encrypted', import.meta.url))

const PACK_TARGET = join(EXAMPLE, 'histories')

/** Recorded with encrypted payloads too: an input, results, a step that failed with words, a retry. */
const ENCRYPTED_CASES = ['flight-monitor.failed-shard', 'payout.stragglers']

const ANY_PORT = { port: 0, isExplicit: false } as const

async function record(address: string, wanted: readonly string[]): Promise<void> {
  const month = new Date().toISOString().slice(0, 7)
  const isWanted = (name: string): boolean =>
    wanted.length === 0 || wanted.some((part) => name.includes(part))
  for (const [name, run] of Object.entries(PACK_CASES)) {
    if (isWanted(name)) await recordCase(address, run, join(PACK_TARGET, `${name}.${month}.json`))
  }
  for (const one of HISTORY_CASES) {
    const name = `${one.job}.${one.name}`
    if (!isWanted(name)) continue
    const run = (rig: TemporalRig) => runCase(rig, one)
    await recordCase(address, run, join(TARGET, `${name}.${month}.json`))
    if (!ENCRYPTED_CASES.includes(name)) continue
    const keys = new ChangingKeys(RECORDED_RING)
    await recordCase(address, run, join(ENCRYPTED_TARGET, `${name}.${month}.json`), keys)
  }
}

async function recordCase(
  address: string,
  run: (rig: TemporalRig) => Promise<string>,
  path: string,
  keys: KeyRingSource | null = null,
): Promise<void> {
  // A namespace for each: cases of one job share their business keys.
  await using rig = await createTemporalRig(address, undefined, keys)
  const workflowId = await run(rig)
  const history = await rig.client.workflow.getHandle(workflowId).fetchHistory()
  await writeFile(path, `${redact(historyToJSON(history))}\n`)
  console.log(path)
}

/** Who ran a recording and where its code lay say nothing about a workflow. */
function redact(json: string): string {
  return json
    .replaceAll(/"identity": ?"[^"]*"/g, '"identity": "redacted"')
    .replaceAll(/"stackTrace": ?"(?:[^"\\]|\\.)*"/g, '"stackTrace": "redacted"')
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-record-'))
  const program = await findTemporalProgram(TEMPORAL_CLI, {
    env: process.env,
    onProgress: (text) => console.error(text),
  })
  const server = await startEmbeddedTemporal({
    program,
    port: ANY_PORT,
    uiPort: ANY_PORT,
    namespace: 'default',
    databaseFile: null,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: {},
    retentionDays: 1,
  })
  try {
    for (const folder of [TARGET, ENCRYPTED_TARGET, PACK_TARGET])
      await mkdir(folder, { recursive: true })
    await record(server.address, process.argv.slice(2))
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
