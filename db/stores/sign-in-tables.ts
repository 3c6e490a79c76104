/**
 * The tables that better-auth reads and writes, as it wants them: through its own adapter for Kysely,
 * with instants as dates, and with tokens of sessions hashed on their way in.
 */
import { createHash, randomBytes } from 'node:crypto'

import { kyselyAdapter } from '@better-auth/kysely-adapter'
import type { BetterAuthOptions } from 'better-auth'
import { sql, type KyselyPlugin } from 'kysely'

import type { Database } from '../client.ts'

type Adapter = ReturnType<ReturnType<typeof kyselyAdapter>>
type Methods = Omit<Adapter, 'transaction'>
type Condition = Parameters<Adapter['findOne']>[0]['where'][number]

/** better-auth's `database` over `db`. */
export function createSignInTables(db: Database): (options: BetterAuthOptions) => Adapter {
  const factory = kyselyAdapter(db.withPlugin(INSTANTS_AS_DATES), {
    type: 'postgres',
    transaction: true,
  })
  return (options) => {
    const plain = factory(options)
    return {
      ...plain,
      ...hashing(plain),
      transaction: (work) => plain.transaction((trx) => work({ ...trx, ...hashing(trx) })),
    }
  }
}

/** How better-auth's models and fields are called in our schema. */
export const SIGN_IN_NAMES = {
  user: {
    modelName: 'auth_user',
    fields: { emailVerified: 'email_verified', createdAt: 'created_at', updatedAt: 'updated_at' },
    additionalFields: {
      role: { type: 'string', required: true, input: false },
      tenant: { type: 'string', required: true, input: false },
      mustChangePassword: {
        type: 'boolean',
        required: true,
        input: false,
        fieldName: 'must_change_password',
      },
      disabledAt: { type: 'date', required: false, input: false, fieldName: 'disabled_at' },
    },
  },
  session: {
    modelName: 'auth_session',
    fields: {
      userId: 'user_id',
      expiresAt: 'expires_at',
      ipAddress: 'ip_address',
      userAgent: 'user_agent',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
    },
  },
  account: {
    modelName: 'auth_account',
    fields: {
      userId: 'user_id',
      providerId: 'provider_id',
      accountId: 'account_id',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
    },
  },
  verification: {
    modelName: 'auth_verification',
    fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
  },
} as const

/** The secret that every process of this database signs cookies with; made when there is none yet. */
export async function ensureSignInSecret(db: Database): Promise<string> {
  const made = randomBytes(32).toString('base64url')
  await sql`insert into auth_secret (secret) values (${made}) on conflict do nothing`.execute(db)
  const { rows } = await sql<{ secret: string }>`select s.secret from auth_secret s`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the secret was removed while it was read')
  return row.secret
}

/** Our pool gives instants as text, better-auth compares dates. */
const INSTANTS_AS_DATES: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => ({
    ...result,
    rows: result.rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          column.endsWith('_at') && typeof value === 'string' ? new Date(value) : value,
        ]),
      ),
    ),
  }),
}

/**
 * Keeps only the hash of a session's token: written hashed, looked for hashed, and given back as it was
 * asked for. A session that was found by anything else shows the hash, which opens nothing.
 */
function hashing(adapter: Methods) {
  return {
    async create(request) {
      const { model, data } = request
      if (model !== 'session') return adapter.create(request)
      const token: unknown = data['token']
      const hashed = { ...data, token: typeof token === 'string' ? sha256(token) : token }
      return withToken(await adapter.create({ ...request, data: hashed }), token)
    },
    findOne: async (request) => withToken(await adapter.findOne(hashed(request)), asked(request)),
    findMany: (request) => adapter.findMany(hashed(request)),
    count: (request) => adapter.count(hashed(request)),
    update: async (request) => withToken(await adapter.update(hashed(request)), asked(request)),
    updateMany: (request) => adapter.updateMany(hashed(request)),
    delete: (request) => adapter.delete(hashed(request)),
    deleteMany: (request) => adapter.deleteMany(hashed(request)),
    consumeOne: async (request) =>
      withToken(await adapter.consumeOne(hashed(request)), asked(request)),
  } satisfies Partial<Methods>
}

type Asking = { readonly model: string; readonly where?: readonly Condition[] | undefined }

function hashed<Request extends Asking>(request: Request): Request {
  if (request.model !== 'session' || request.where === undefined) return request
  return { ...request, where: request.where.map(hashedCondition) }
}

function hashedCondition(condition: Condition): Condition {
  const { field, value } = condition
  if (field !== 'token') return condition
  if (typeof value === 'string') return { ...condition, value: sha256(value) }
  return Array.isArray(value)
    ? { ...condition, value: value.map((one) => sha256(String(one))) }
    : condition
}

/** The token that a session was asked for by. */
function asked({ model, where = [] }: Asking): unknown {
  return model === 'session' ? where.find(({ field }) => field === 'token')?.value : undefined
}

function withToken<Row>(row: Row, token: unknown): Row {
  const isRow = typeof row === 'object' && row !== null
  return isRow && typeof token === 'string' ? { ...row, token } : row
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
