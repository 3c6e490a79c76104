/** The OpenAPI 3.1 document of the routes, made from the contracts that they are checked with. */
import { z } from 'zod'

import { isForTenants, namesActor, type Contract } from './contract.ts'
import { PERMISSIONS, ROLES, isAllowed } from './roles.ts'
import type { Method, RouteRecord } from './routes.ts'
import { problemShape } from './shapes.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** The document. */
export type OpenApiDocument = {
  readonly openapi: '3.1.0'
  readonly info: JsonObject
  readonly paths: Readonly<Record<string, JsonObject>>
  readonly components: JsonObject
}

const PROBLEM = {
  description: 'A problem document: what is wrong, and what to do',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** Makes the document. Methods without a contract are left out: a test names them. */
export function openApiDocument(routes: readonly RouteRecord[]): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Groundstop',
      version: '1',
      description:
        'Amounts are whole minor units of their currency, instants are ISO-8601 in UTC. Errors are ' +
        'problem documents. Lists are read page by page: `nextCursor` is null on the last one.',
    },
    paths: Object.fromEntries(
      routes.map((route) => [route.path.replaceAll(/:(\w+)/g, '{$1}'), pathItem(route)]),
    ),
    components: {
      schemas: { Problem: schemaOf(problemShape, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function pathItem({ path, methods }: RouteRecord): JsonObject {
  const operations = Object.entries(methods).flatMap(
    ([method, contract]) =>
      contract === null ? [] : [[method, operation(path, method as Method, contract)] as const], // keys are methods
  )
  return Object.fromEntries(operations)
}

function operation(path: string, method: Method, contract: Contract): JsonObject {
  const { summary, permission, body, bodyTypes = ['application/json'] } = contract
  const parameters = [...pathParameters(path), ...queryParameters(contract), ...keyHeader(contract)]
  return {
    operationId: operationId(path, method),
    summary,
    description: whoMay(contract),
    tags: [path.split('/').find((part) => part !== '' && part !== 'api') ?? 'api'],
    'x-permission': permission,
    'x-tenants': isForTenants(contract),
    security: permission === 'open' ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              bodyTypes.map((type) => [
                type,
                { schema: type.endsWith('/json') ? bodySchema(contract) : { type: 'string' } },
              ]),
            ),
          },
        }),
    responses: { ...answers(contract), default: PROBLEM },
  }
}

const WHO_ACTS =
  'Who acts. A named token, an API key and whoever is signed in act under their own name: leave it out. ' +
  'With `API_TOKEN`, or with no token configured, it is required.'

/** What a body is made of; who acts is known of most callers. */
function bodySchema(contract: Contract): JsonObject {
  const { body = z.unknown() } = contract
  if (!namesActor(contract) || !(body instanceof z.ZodObject)) return schemaOf(body, 'input')
  const by = (body.shape['by'] as z.ZodType).optional().describe(WHO_ACTS) // it has one
  return schemaOf(body.safeExtend({ by }), 'input')
}

function whoMay(contract: Contract): string {
  const { permission } = contract
  if (permission === 'open') return 'Open to everybody.'
  const roles = ROLES.filter((role) => isAllowed(role, permission)).join(', ')
  const whose = isForTenants(contract) ? 'of the house and of tenants' : 'of the house alone'
  return `Permission \`${permission}\` (${PERMISSIONS[permission]}): ${roles}, ${whose}.`
}

function operationId(path: string, method: Method): string {
  const words = path.split(/[^A-Za-z]+/).filter((word) => word !== '')
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function pathParameters(path: string): JsonObject[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  }))
}

function queryParameters({ query }: Contract): JsonObject[] {
  if (query === undefined) return []
  return Object.entries(query.shape).map(([name, field]) => ({
    name,
    in: 'query',
    required: !field.safeParse(undefined).success,
    schema: schemaOf(field, 'input'),
  }))
}

function keyHeader({ isKeyed = false }: Contract): JsonObject[] {
  if (!isKeyed) return []
  const description = 'The same key with the same request gives the same answer and has one effect.'
  const schema = { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' }
  return [{ name: 'Idempotency-Key', in: 'header', required: false, description, schema }]
}

function answers({ answers: byStatus }: Contract): JsonObject {
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, shape]) => [
      status,
      {
        description: Number(status) < 400 ? 'Done' : 'Not now',
        ...(shape === null
          ? {}
          : { content: { 'application/json': { schema: schemaOf(shape, 'output') } } }),
      },
    ]),
  )
}

/** Transforms are checked by code alone: what goes into them is what is described. */
function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}
