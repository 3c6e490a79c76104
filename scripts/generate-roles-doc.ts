/** Writes docs/roles.md from the routes' contracts. `--check` writes nothing and fails when it is stale. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { format } from 'oxfmt'

import { createApp, type AppDeps } from '../api/app.ts'
import { isForTenants } from '../api/contract.ts'
import { proceduresOf } from '../api/trpc/mount.ts'
import type { ServedProcedure } from '../api/trpc/procedure-base.ts'
import { isAllowed, PERMISSIONS, ROLES, type Permission, type Role } from '../api/roles.ts'
import { routesOf, type RouteRecord } from '../api/routes.ts'

const TARGET = fileURLToPath(new URL('../docs/roles.md', import.meta.url))

/** An API that others reach, as the product declares it. Nothing is served. */
function productApp(): ReturnType<typeof createApp> {
  const parts = { tokens: { token: null, grants: [] }, isLoopback: false }
  return createApp(parts as unknown as AppDeps) // handlers need the rest, and none is called
}

/** Its routes. */
export function productRoutes(): readonly RouteRecord[] {
  return routesOf(productApp())
}

/** Its procedures: queries, mutations and subscriptions. */
export function productProcedures(): readonly ServedProcedure[] {
  return proceduresOf(productApp())
}

/** The document's text, formatted as every other document. */
export async function rolesDocument(): Promise<string> {
  const text = `${[...HEAD, ...permissionTable(), '', '## Routes', '', ...routeTable(), '', '## Procedures', '', ...PROCEDURES_HEAD, ...procedureTable()].join('\n')}\n`
  return (await format(TARGET, text, { proseWrap: 'preserve' })).code
}

const HEAD = [
  '# Roles',
  '',
  'Generated from the routes by `npm run docs:roles`; change the route, not this page.',
  '',
  'Everybody who [signs in](sign-in.md) and every API token has a role, and every route names the permission',
  "it needs; a route that names none is the admin's. Without it the answer is 403. A run of a job is shown to",
  'all roles, what went into it and what came out only with `payload.read`. While no token is configured,',
  'everybody on this machine who is not signed in is admin.',
  '',
  'Whoever belongs to a [tenant](tenants.md) other than the house may call what is marked under `tenants`, for what is',
  'theirs; the rest is 403 to them, whatever their role.',
  '',
  '`API_TOKEN` is one token of the role admin. `API_TOKENS_FILE` names a file of any number, read at start:',
  '',
  '```json',
  '[{ "name": "ann", "role": "claims", "sha256": "<SHA-256 of the token, in hexadecimal>" }]',
  '```',
  '',
  'API keys are made while it runs, see [signing in](sign-in.md#api-keys). A token is a secret of 16 characters or more; its hash is made by `printf %s TOKEN | sha256sum`. Names and',
  'hashes are there once. A token of the file acts under its own name: that is the actor of the audit trail, and',
  '`by` of a request may be left out and is refused when it is somebody else. With `API_TOKEN`, or with none,',
  '`by` says who acts; where a request has no `by`, the actor is `api-token` or `local`.',
  '',
  '## Permissions',
  '',
]

function permissionTable(): string[] {
  const names = Object.keys(PERMISSIONS) as Permission[] // its own keys
  return [
    `| permission | to | ${ROLES.join(' | ')} |`,
    `|---|---|${ROLES.map(() => ':-:|').join('')}`,
    ...names.map((name) => `| \`${name}\` | ${PERMISSIONS[name]} | ${marks(name)} |`),
  ]
}

function routeTable(): string[] {
  const rows = productRoutes().flatMap(({ path, methods }) =>
    Object.entries(methods).map(([method, contract]) => {
      const permission = contract === null ? null : contract.permission
      const whose = isForTenants(contract) ? 'x' : ''
      const line = `| \`${method.toUpperCase()} ${path}\` | ${needsOf(permission)} | ${whose} |`
      return { path, line }
    }),
  )
  return [
    `| route | needs | ${ROLES.join(' | ')} | tenants |`,
    `|---|---|${ROLES.map(() => ':-:|').join('')}:-:|`,
    ...rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({ line }) => line),
  ]
}

const PROCEDURES_HEAD = [
  'A procedure of tRPC (`/api/trpc`) and a method of the [client](integrating.md) need what their route needs.',
  'Subscriptions, and what has two routes, are of tRPC alone.',
  '',
]

function procedureTable(): string[] {
  const own = tenantRoutes()
  const rows = productProcedures().flatMap(({ name, kind, routes, permission }) => {
    const asked = routes.length === 0 ? [kind] : routes.map((route) => `\`${route}\``)
    const needs = needsOf(permission)
    // What is of tRPC alone is the whole installation's.
    const whose = routes.length === 1 && own.has(routes[0] ?? '') ? 'x' : ''
    return asked.map((what) => `| \`${name}\` | ${what} | ${needs} | ${whose} |`)
  })
  return [
    `| procedure | route | needs | ${ROLES.join(' | ')} | tenants |`,
    `|---|---|---|${ROLES.map(() => ':-:|').join('')}:-:|`,
    ...rows,
  ]
}

/** Routes that callers of a tenant may call: `GET /api/policies`. */
function tenantRoutes(): ReadonlySet<string> {
  const routes = productRoutes().flatMap(({ path, methods }) =>
    Object.entries(methods).flatMap(([method, contract]) =>
      isForTenants(contract) ? [`${method.toUpperCase()} ${path}`] : [],
    ),
  )
  return new Set(routes)
}

/** The cells of what is needed and who has it. */
function needsOf(permission: Permission | 'open' | null): string {
  if (permission === 'open') return `open | ${ROLES.map(() => 'x').join(' | ')}`
  return `\`${permission ?? 'admin'}\` | ${marks(permission)}`
}

function marks(permission: Permission | null): string {
  return ROLES.map((role: Role) => (isAllowed(role, permission) ? 'x' : '')).join(' | ')
}

async function main(): Promise<void> {
  const text = await rolesDocument()
  if (!process.argv.includes('--check')) {
    await writeFile(TARGET, text)
    return
  }
  const present = await readFile(TARGET, 'utf8').catch(() => '')
  if (present === text) return
  console.error('docs/roles.md is stale: run `npm run docs:roles`')
  process.exitCode = 1
}

if (import.meta.main) await main()
