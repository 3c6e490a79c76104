/**
 * Records the histories that replay tests hold the workflows to: runs every case of
 * `test/support/history-cases.ts` on a Temporal server of its own and writes
 * `test/replay/histories/<job>.<case>.<yyyy-mm>.json`. With arguments, only cases whose name
 * contains one of them. Older recordings stay: they are the runs in flight of their month.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

import { findTemporalProgram, TEMPORAL_CLI } from '../platform/embedded/temporal-binary.ts'
import { startEmbeddedTemporal } from '../platform/embedded/temporal-server.ts'
import { HISTORY_CASES, runCase } from '../test/support/history-cases.ts'
import { createTemporalRig } from '../test/support/temporal-rig.ts'

const TARGET = fileURLToPath(new URL('../test/replay/histories', import.meta.url))

const ANY_PORT = { port: 0, isExplicit: false } as const

async function record(address: string, wanted: readonly string[]): Promise<void> {
  const month = new Date().toISOString().slice(0, 7)
  for (const one of HISTORY_CASES) {
    const name = `${one.job}.${one.name}`
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
    // A namespace for each: cases of one job share their business keys.
    await using rig = await createTemporalRig(address)
    const workflowId = await runCase(rig, one)
    const history = await rig.client.workflow.getHandle(workflowId).fetchHistory()
    const path = join(TARGET, `${name}.${month}.json`)
    await writeFile(path, `${redact(historyToJSON(history))}\n`)
    console.log(path)
  }
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
    await mkdir(TARGET, { recursive: true })
    await record(server.address, process.argv.slice(2))
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
