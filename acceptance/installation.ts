/**
 * A whole installation to be tried: what `npm start` boots, in a home of its own on free ports, driven
 * by the product's own commands. Stops everything when disposed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { freePort } from '../platform/embedded/ports.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'cli/main.ts')

/** A cold machine downloads the Temporal binary first. */
const READY_LIMIT_MS = 170_000

const PORT_VARIABLES = [
  'POSTGRES_PORT',
  'TEMPORAL_PORT',
  'TEMPORAL_UI_PORT',
  'FLIGHTS_PORT',
  'PAYMENTS_PORT',
  'MAIL_PORT',
  'MAIL_SMTP_PORT',
  'API_PORT',
  'METRICS_PORT',
] as const

/** What a finished command left behind. */
export type CommandResult = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What `<home>/run.json` says, as far as it is needed here. */
export type Addresses = {
  readonly pid: number
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
  readonly apiUrl: string
  readonly flightsUrl: string
  readonly paymentsUrl: string
  readonly payloadKeysFile: string | null
}

/** A home with its own ports; the instance in it can be started, stopped and started again. */
export class Installation implements AsyncDisposable {
  readonly home: string
  private readonly env: NodeJS.ProcessEnv
  private child: ChildProcess | null = null
  private output = ''

  private constructor(home: string, env: NodeJS.ProcessEnv) {
    this.home = home
    this.env = env
  }

  /** A fresh home. Nothing runs yet. */
  static async create(env: NodeJS.ProcessEnv = {}): Promise<Installation> {
    const home = await mkdtemp(join(tmpdir(), 'groundstop-trial-'))
    const ports = await Promise.all(PORT_VARIABLES.map(() => freePort()))
    const portEnv = Object.fromEntries(PORT_VARIABLES.map((name, i) => [name, String(ports[i])]))
    return new Installation(home, { ...process.env, ...portEnv, ...env, GROUNDSTOP_HOME: home })
  }

  /** Starts and waits until the schedules are applied. Throws with the output when it ends before. */
  async start(args: readonly string[] = []): Promise<void> {
    this.output = ''
    const child = spawn(process.execPath, [CLI, 'start', ...args], { cwd: ROOT, env: this.env })
    this.child = child
    const ready = Promise.withResolvers<void>()
    const onText = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8')
      if (this.output.includes('schedules are applied')) ready.resolve()
    }
    child.stdout.on('data', onText)
    child.stderr.on('data', onText)
    child.once('close', () => ready.reject(new Error(`start ended:\n${this.output}`)))
    const timer = setTimeout(
      () => ready.reject(new Error(`not ready in time:\n${this.output}`)),
      READY_LIMIT_MS,
    )
    await ready.promise.finally(() => clearTimeout(timer))
  }

  /** Everything that the running instance printed. */
  get printed(): string {
    return this.output
  }

  /** Sends a signal to `start` and waits for its end. Resolves to the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    const { child } = this
    if (child === null || child.exitCode !== null) return child?.exitCode ?? null
    child.kill(signal)
    const [code] = (await once(child, 'close')) as [number | null]
    this.child = null
    return code
  }

  /** Runs `groundstop <args>` against this home. */
  async run(...args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [CLI, ...args], { cwd: ROOT, env: this.env })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
    child.stdin.end()
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout, stderr }
  }

  /** As `run`, but a command that fails is an error with its output. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args)
    if (code !== 0) {
      throw new Error(`groundstop ${args.join(' ')} exited ${code}:\n${stdout}\n${stderr}`)
    }
    return stdout
  }

  /** Where the running instance's parts are. */
  async addresses(): Promise<Addresses> {
    // Written by the product's own start.
    return JSON.parse(await readFile(join(this.home, 'run.json'), 'utf8')) as Addresses
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.home, { recursive: true, force: true })
  }
}
