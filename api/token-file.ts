/** Reads the file of API tokens: names, roles and hashes. The tokens themselves are in nobody's file. */
import { readFile } from 'node:fs/promises'

import { z } from 'zod'

import { ConfigError } from '../config/config.ts'
import { CALLER_NAME, DPOP_THUMBPRINT } from '../domain/role.ts'
import { ROLES, type Role } from './roles.ts'

/** One token that is let in. `sha256` is of its UTF-8 text, in lower-case hexadecimal. */
export type TokenGrant = {
  readonly name: string
  readonly role: Role
  readonly sha256: string
  /** RFC 7638 thumbprint of the key pair that its holder proves to have. Left out: a bearer's token. */
  readonly dpopThumbprint?: string | undefined
}

/** Tokens of one installation: people and programs, not customers. */
const TOKENS_LIMIT = 1_000

const grants = z
  .array(
    z.strictObject({
      name: z.string().regex(CALLER_NAME, 'a name without blanks'),
      role: z.enum(ROLES),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 in lower-case hexadecimal'),
      dpopThumbprint: z.string().regex(DPOP_THUMBPRINT, 'a thumbprint of RFC 7638').optional(),
    }),
  )
  .min(1)
  .max(TOKENS_LIMIT)

/** The grants of a file, none without one. Throws ConfigError that says what is wrong with it. */
export async function readTokenFile(path: string | null): Promise<readonly TokenGrant[]> {
  if (path === null) return []
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw broken(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  const parsed = grants.safeParse(parseJson(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw broken(`is not a list of tokens: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  }
  for (const key of ['name', 'sha256'] as const) {
    const values = parsed.data.map((grant) => grant[key])
    const twice = values.find((value, i) => values.indexOf(value) !== i)
    if (twice !== undefined) throw broken(`has the ${key} ${twice} twice`)
  }
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw broken('is not JSON')
  }
}

function broken(what: string): ConfigError {
  return new ConfigError([{ variable: 'API_TOKENS_FILE', message: `names a file that ${what}` }])
}
