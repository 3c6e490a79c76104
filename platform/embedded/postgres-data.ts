/**
 * The embedded PostgreSQL's data folder: where it may lie, making it once and whole, and checking
 * that what is there can be opened. It starts no server.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { PostgresBinaries } from './postgres-binaries.ts'
import { SHARED_ROOT } from './postgres-binaries.ts'
import type { ServerUser } from './server-user.ts'

/** The role that owns the embedded server. */
export const SUPERUSER = 'postgres'

/** The product's database on the embedded server. */
export const DATABASE_NAME = 'groundstop'

/** What one home's PostgreSQL is made of. */
export type PostgresHome = {
  /** Owned by the server's user, 0700. */
  readonly dataDir: string
  /** Readable by us alone, 0600. */
  readonly passwordFile: string
  readonly logFile: string
}

/**
 * Where the files of a home lie: in it, or, when root's server user cannot pass through the folders
 * above it (a checkout under /root), under /var/lib/groundstop by a name made from the home's path.
 */
export async function locatePostgresHome(folder: string, user: ServerUser): Promise<PostgresHome> {
  const inHome = resolve(folder)
  await mkdir(inHome, { recursive: true, mode: 0o755 })
  if (user.ids === null || canEnter(inHome, user.ids)) return filesIn(inHome)
  const digest = createHash('sha256').update(inHome).digest('hex').slice(0, 12)
  const outside = join(SHARED_ROOT, `data-${digest}`)
  await mkdir(outside, { recursive: true, mode: 0o755 })
  if (!canEnter(outside, user.ids)) {
    throw new Error(
      `PostgreSQL runs as user ${user.name}, who can enter neither ${inHome} nor ${outside}: ` +
        'set GROUNDSTOP_HOME to a folder below one that everybody may pass through',
    )
  }
  return filesIn(outside)
}

/** Removes a home's data, wherever it lies. The server must be stopped. */
export async function wipePostgresHome(home: PostgresHome): Promise<void> {
  for (const path of [home.dataDir, home.passwordFile, home.logFile]) {
    await rm(path, { recursive: true, force: true })
  }
}

/**
 * Makes the data folder when there is none, with a random password, and returns that password. A
 * second call changes nothing. Throws when the folder holds something that cannot be opened.
 */
export async function ensurePostgresData(
  home: PostgresHome,
  binaries: PostgresBinaries,
  user: ServerUser,
  options: { readonly isDurable: boolean },
): Promise<string> {
  const version = await readOrNull(join(home.dataDir, 'PG_VERSION'))
  if (version === null) {
    await requireEmpty(home.dataDir)
    return createData(home, binaries, user, options)
  }
  if (version.trim() !== binaries.major) {
    throw new Error(
      `the data in ${home.dataDir} is of PostgreSQL ${version.trim()}, and this is ` +
        `PostgreSQL ${binaries.version}: move the folder away, or begin anew with --fresh`,
    )
  }
  const password = await readOrNull(home.passwordFile)
  if (password === null || password.trim() === '') {
    throw new Error(
      `the password of the data in ${home.dataDir} is gone (${home.passwordFile}): ` +
        'put the file back, or begin anew with --fresh',
    )
  }
  if (user.ids !== null) await chown(home.dataDir, user.ids.uid, user.ids.gid)
  return password.trim()
}

async function createData(
  home: PostgresHome,
  binaries: PostgresBinaries,
  user: ServerUser,
  options: { readonly isDurable: boolean },
): Promise<string> {
  const password = randomBytes(24).toString('base64url')
  // Made beside its place and moved there whole: a kill in the middle leaves no half database.
  const partial = `${home.dataDir}.new-${process.pid}`
  const passwordCopy = `${partial}.password`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { mode: 0o700 })
  await writeFile(passwordCopy, `${password}\n`, { mode: 0o600 })
  try {
    if (user.ids !== null) {
      await chown(partial, user.ids.uid, user.ids.gid)
      await chown(passwordCopy, user.ids.uid, user.ids.gid)
    }
    const sync = options.isDurable ? [] : ['--no-sync']
    await runTool(binaries.initdb, user, [
      `--pgdata=${partial}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordCopy}`,
      '--auth=scram-sha-256',
      // The same order of text on every machine, whatever locales it has.
      '--encoding=UTF8',
      '--no-locale',
      ...sync,
    ])
    const single = ['--single', '-D', partial, 'postgres']
    await runTool(binaries.postgres, user, single, `create database ${DATABASE_NAME}\n`)
    await writeFile(home.passwordFile, `${password}\n`, { mode: 0o600 })
    await rename(partial, home.dataDir)
  } finally {
    await rm(passwordCopy, { force: true })
    await rm(partial, { recursive: true, force: true })
  }
  return password
}

async function runTool(
  program: string,
  user: ServerUser,
  args: readonly string[],
  input = '',
): Promise<void> {
  const child = spawn(program, args, { ...user.ids, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] })
  const output: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text))
  child.stdin.on('error', () => undefined) // it may end without reading; its exit code tells
  child.stdin.end(input)
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed)
    child.once('close', done)
  })
  if (code === 0) return
  const lastLines = output.join('').trim().split('\n').slice(-12).join('\n')
  throw new Error(`${program} failed with exit code ${code}:\n${lastLines}`)
}

async function requireEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (entries.length === 0) {
    await rm(folder, { recursive: true, force: true })
    return
  }
  throw new Error(
    `${folder} holds something that is no PostgreSQL data: ` +
      'move it away, or begin anew with --fresh',
  )
}

function canEnter(folder: string, ids: { uid: number; gid: number }): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...ids, cwd: '/' }).status === 0
}

function filesIn(folder: string): PostgresHome {
  return {
    dataDir: join(folder, 'data'),
    passwordFile: join(folder, 'password'),
    logFile: join(folder, 'server.log'),
  }
}

async function readOrNull(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}
