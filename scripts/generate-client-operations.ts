/**
 * Writes client/operations.generated.ts: what each named route takes and answers, as types, from the
 * OpenAPI document. `--check` writes nothing and fails when it is stale.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { format } from 'oxfmt'

import { openApiDocument } from '../api/openapi.ts'
import { namedRoutes } from '../api/trpc/named-routes.ts'
import { productRoutes } from './generate-roles-doc.ts'

const TARGET = fileURLToPath(new URL('../client/operations.generated.ts', import.meta.url))

/** What of a JSON schema says something about types. */
type Schema = {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

type Operation = {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: 'path' | 'query' | 'header'
    readonly required: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: Schema }>> }>
  >
}

/** The file's text, formatted as every other file. */
export async function operationsFile(): Promise<string> {
  const routes = productRoutes()
  const { paths } = openApiDocument(routes)
  const members = namedRoutes(routes).map(({ route }) => {
    const [method = '', path = ''] = route.split(' ')
    const item = paths[path.replaceAll(/:(\w+)/g, '{$1}')]
    const operation = item?.[method.toLowerCase()] as Operation // what `openApiDocument` writes
    return `${JSON.stringify(route)}: { input: ${inputOf(operation)}; answer: ${answerOf(operation)} }`
  })
  const text = [...HEAD, ...members, '}', ''].join('\n')
  return (await format(TARGET, text, { singleQuote: true, semi: false, printWidth: 100 })).code
}

const HEAD = [
  '/**',
  ' * Generated from the routes by `npm run client:types`; change the route, not this file. What each route',
  ' * takes and answers.',
  ' */',
  '',
  '/** Input and answer by route. Inputs are the parts of the path, the query and the body. */',
  'export type Operations = {',
]

function inputOf({ parameters = [], requestBody }: Operation): string {
  const fields = parameters.flatMap(({ name, in: place, required, schema }) => {
    if (place === 'header') return ['idempotencyKey?: string']
    return [`${nameOf(name)}${required ? '' : '?'}: ${typeOf(schema)}`]
  })
  const body = requestBody?.content['application/json']?.schema
  if (body !== undefined) fields.push(`body${isEmptyTaken(body) ? '?' : ''}: ${typeOf(body)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join('; ')} }`
}

/** A body that is left out is sent as `{}`. */
function isEmptyTaken({ type, required = [] }: Schema): boolean {
  return type === 'object' && required.length === 0
}

function answerOf({ responses }: Operation): string {
  const shapes = Object.entries(responses).flatMap(([status, { content }]) => {
    const schema = content?.['application/json']?.schema
    return schema === undefined || status === 'default' || Number(status) >= 400 ? [] : [schema]
  })
  return union(shapes)
}

function union(schemas: readonly Schema[]): string {
  return [...new Set(schemas.map(typeOf))].join(' | ') || 'unknown'
}

/** The TypeScript type of a schema; what it does not say is `unknown`. */
function typeOf(schema: Schema): string {
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ')
  const either = schema.anyOf ?? schema.oneOf
  if (either !== undefined) return `(${union(either)})`
  if (schema.allOf !== undefined) return schema.allOf.map((one) => `(${typeOf(one)})`).join(' & ')
  const { type } = schema
  if (Array.isArray(type)) {
    return `(${union(type.map((one: string) => ({ ...schema, type: one })))})`
  }
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return `readonly (${schema.items === undefined ? 'unknown' : typeOf(schema.items)})[]`
    case 'object':
      return objectType(schema)
    default:
      return 'unknown'
  }
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${nameOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)}`,
  )
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown'
  return `{ readonly [name: string]: ${value} }`
}

function nameOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
}

async function main(): Promise<void> {
  const text = await operationsFile()
  if (!process.argv.includes('--check')) {
    await writeFile(TARGET, text)
    return
  }
  const present = await readFile(TARGET, 'utf8').catch(() => '')
  if (present === text) return
  console.error('client/operations.generated.ts is stale: run `npm run client:types`')
  process.exitCode = 1
}

if (import.meta.main) await main()
