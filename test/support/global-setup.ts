/**
 * Starts one PostgreSQL and one Temporal dev server for the whole test run, on free loopback ports
 * in a temporary folder, and takes both away afterwards.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

import { startEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { findTemporalProgram, TEMPORAL_CLI } from '../../platform/embedded/temporal-binary.ts'
import { startEmbeddedTemporal } from '../../platform/embedded/temporal-server.ts'

const ANY_PORT = { port: 0, isExplicit: false } as const

/** Vitest's global setup: provides `databaseUrl` and `temporalAddress`, returns the tear-down. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'groundstop-test-'))
  // The server's user must pass through it when the tests run as root.
  await chmod(folder, 0o755)
  const [postgres, temporal] = await Promise.all([
    startEmbeddedPostgres({
      folder: join(folder, 'postgres'),
      port: ANY_PORT,
      isDurable: false,
    }),
    startTemporal(folder),
  ])
  project.provide('databaseUrl', postgres.url)
  project.provide('temporalAddress', temporal.address)
  return async () => {
    await Promise.all([postgres.stop(), temporal.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

type TemporalOfRun = { readonly address: string; stop(): Promise<void> }

/** One of our own, or the server to be tried, in namespaces of the tests' own that stay there. */
async function startTemporal(folder: string): Promise<TemporalOfRun> {
  const { TEST_TEMPORAL_ADDRESS: address } = process.env
  if (address !== undefined && address !== '') return { address, stop: async () => undefined }
  const program = await findTemporalProgram(TEMPORAL_CLI, {
    env: process.env,
    onProgress: (text) => process.stderr.write(`${text}\n`),
  })
  return startEmbeddedTemporal({
    program,
    port: ANY_PORT,
    uiPort: ANY_PORT,
    namespace: 'default',
    databaseFile: null,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: {},
    retentionDays: 30,
  })
}
