/** The product's worker in a process of its own, over a test's database and namespace. */
import { spawn, type ChildProcess } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, vi } from 'vitest'

import { services } from './services.ts'
import { testBundle } from './workflow-bundle.ts'

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const PATIENCE = { timeout: 120_000, interval: 100 }

/** A worker that takes tasks. */
export type WorkerProcess = ChildProcess & {
  /** What it has printed, both streams. */
  readonly printed: () => string
}

/** Starts worker processes; those that are left are killed when it is disposed of. */
export async function createWorkerProcesses(of: {
  readonly databaseUrl: string
  readonly namespace: string
  /** Whether they are given keys of payloads: then failures are closed too. Default no. */
  readonly isEncrypted?: true
}) {
  const home = await mkdtemp(join(tmpdir(), 'groundstop-worker-'))
  // Building the bundle is most of a worker's start.
  const { codePath } = await testBundle({
    failures: of.isEncrypted === true ? 'encoded' : 'plain',
  })
  await mkdir(join(home, 'cache'))
  await copyFile(codePath, join(home, 'cache', basename(codePath)))
  const started: ChildProcess[] = []
  return {
    /** The home folder that they share. */
    home,
    /** Resolves when it takes tasks. */
    async start(queue: string, env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
      const child = spawn(process.execPath, [CLI, 'worker', '--queues', queue], {
        env: {
          PATH: process.env['PATH'],
          GROUNDSTOP_HOME: home,
          DATABASE_URL: of.databaseUrl,
          TEMPORAL_ADDRESS: services().temporalAddress,
          TEMPORAL_NAMESPACE: of.namespace,
          AEROAPI_KEY: 'test-key',
          STRIPE_API_KEY: 'sk_test_1',
          METRICS_PORT: '0',
          LOG_LEVEL: 'error',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      started.push(child)
      let printed = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')))
      }
      await vi.waitFor(() => expect(printed).toContain('"ready":true'), PATIENCE)
      return Object.assign(child, { printed: () => printed })
    },
    async [Symbol.asyncDispose]() {
      for (const child of started) child.kill('SIGKILL')
      await rm(home, { recursive: true, force: true })
    },
  }
}
