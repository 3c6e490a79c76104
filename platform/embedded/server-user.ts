/**
 * The operating-system user that the embedded PostgreSQL runs as. PostgreSQL refuses to run as root,
 * so root needs somebody else: `postgres` if there is one, a new system user if one can be made,
 * else `nobody`. Everybody else runs it as themselves.
 */
import { spawnSync } from 'node:child_process'

/** The system user that the server runs as. */
export type ServerUser = {
  /** Null: as the present user. */
  readonly ids: { readonly uid: number; readonly gid: number } | null
  readonly name: string
}

/** Decides the user, making one when root finds none. Throws when root has nobody to run it as. */
export function resolveServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return { ids: null, name: 'the present user' }
  const existing = lookUp('postgres')
  if (existing !== null) return { ids: existing, name: 'postgres' }
  // Debian, Fedora and others have useradd, Alpine has adduser; a failure of both leaves nobody.
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
  if (lookUp('postgres') === null) spawnSync('adduser', ['-S', '-D', '-H', 'postgres'])
  for (const name of ['postgres', 'nobody']) {
    const ids = lookUp(name)
    if (ids !== null) return { ids, name }
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and no user "postgres" could be made: ' +
      'run as another user, or set DATABASE_URL to a PostgreSQL that runs already',
  )
}

function lookUp(name: string): { uid: number; gid: number } | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    const result = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return result.status === 0 ? Number.parseInt(result.stdout, 10) : Number.NaN
  })
  if (uid === undefined || gid === undefined) return null
  return Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0 ? { uid, gid } : null
}
