/** Every route has a contract, and what is made from the contracts is fresh and valid. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Validator } from '@seriousme/openapi-schema-validator'
import express from 'express'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { namesActor } from '../../api/contract.ts'
import { openApiDocument } from '../../api/openapi.ts'
import { addRoute, routesOf } from '../../api/routes.ts'
import { namedRoutes } from '../../api/trpc/named-routes.ts'
import {
  productProcedures,
  productRoutes,
  rolesDocument,
} from '../../scripts/generate-roles-doc.ts'
import { operationsFile } from '../../scripts/generate-client-operations.ts'
import { ROOT } from '../support/repository.ts'

const routes = productRoutes()
const methods = routes.flatMap((route) =>
  Object.entries(route.methods).map(([method, contract]) => ({
    name: `${method.toUpperCase()} ${route.path}`,
    contract,
  })),
)

describe('routes', () => {
  test('have a contract for each method', () => {
    const without = methods.filter(({ contract }) => contract === null).map(({ name }) => name)
    expect(without).toEqual([])
    expect(methods.length).toBeGreaterThan(30)
  })

  test('that read a body say what it looks like', () => {
    const without = methods.filter(
      ({ name, contract }) => name.startsWith('POST') && contract?.body === undefined,
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })

  test('that change something heed an idempotency key', () => {
    const without = methods.filter(
      // Stripe's events have keys of their own; the codec's routes change nothing.
      ({ name, contract }) =>
        name.startsWith('POST') &&
        contract?.isKeyed !== true &&
        name !== 'POST /api/webhooks/stripe' &&
        // A password that is set again is the same one, and no answer of theirs may be kept.
        !name.startsWith('POST /api/auth/') &&
        !name.startsWith('POST /api/codec/'),
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })

  test('whose body says who acts take the name of the token for it', () => {
    const acting = methods.flatMap(({ name, contract }) => {
      if (contract?.body === undefined) return []
      const schema = z.toJSONSchema(contract.body, { io: 'input', unrepresentable: 'any' })
      return Object.hasOwn(schema.properties ?? {}, 'by') ? [{ name, contract }] : []
    })
    expect(acting.length).toBeGreaterThan(15)
    expect(acting.filter(({ contract }) => !namesActor(contract))).toEqual([])
  })

  test('are open only where nobody learns anything of the installation', () => {
    const open = methods.filter(
      // These ask for a password, a code or a session, which no role stands for.
      ({ name, contract }) => contract?.permission === 'open' && !name.includes(' /api/auth/'),
    )
    expect(open.map(({ name }) => name).toSorted()).toEqual([
      'GET /api/docs',
      'GET /api/docs/start.js',
      'GET /api/openapi.json',
      // Having the link is enough: the person has no account.
      'GET /api/privacy-exports/:requestId/:token',
      'GET /health/live',
      'GET /health/ready',
      'POST /api/webhooks/stripe',
    ])
  })
})

describe('the OpenAPI document', () => {
  const document = openApiDocument(routes)

  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const result = await validator.validate(structuredClone(document))
    expect(result).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('has every route and method once', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const names = methods.map(({ name }) => name.replaceAll(/:(\w+)/g, '{$1}'))
    expect(described.toSorted()).toEqual(names.toSorted())
  })

  test('names each operation differently', () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map((operation) => (operation as { operationId: string }).operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('asks nobody who acts whose token says so', () => {
    const app = express()
    const note = { by: z.string(), reason: z.string() }
    const of = (body: z.ZodType) =>
      ({ summary: 's', permission: 'jobs.run', body, answers: { 200: null } }) as const
    addRoute(app, '/api/acted', { post: () => undefined }, { post: of(z.strictObject(note)) })
    const figures = { by: z.array(z.string()) }
    addRoute(
      app,
      '/api/asked',
      { post: () => undefined },
      { post: of(z.object({ figures: z.object(figures) })) },
    )
    const { paths } = openApiDocument(routesOf(app))
    const bodies = Object.values(paths).map(
      ({ post }) =>
        (post as { requestBody: { content: Record<string, { schema: object }> } }).requestBody
          .content['application/json']?.schema,
    )
    expect(bodies).toMatchObject([
      {
        required: ['reason'],
        properties: { by: { description: expect.stringContaining('leave it out') as string } },
      },
      { required: ['figures'], properties: { figures: { required: ['by'] } } },
    ])
  })

  test('leaves out a route without a contract, which is how the first test finds it', () => {
    const app = express()
    addRoute(app, '/api/new', { get: () => undefined })
    expect(routesOf(app)).toEqual([{ path: '/api/new', methods: { get: null } }])
    expect(openApiDocument(routesOf(app)).paths).toEqual({ '/api/new': {} })
  })

  test('describes what a route checks', () => {
    const app = express()
    const query = z.strictObject({ limit: z.coerce.number().int().max(5).default(1) })
    const contract = { summary: 's', permission: 'open', query, answers: { 200: null } } as const
    addRoute(app, '/api/new/:id', { get: () => undefined }, { get: contract })
    expect(openApiDocument(routesOf(app)).paths['/api/new/{id}']).toMatchObject({
      get: {
        parameters: [
          { name: 'id', in: 'path', required: true },
          { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: 5 } },
        ],
      },
    })
  })
})

test('docs/roles.md says what the routes say', async () => {
  expect(readFileSync(join(ROOT, 'docs/roles.md'), 'utf8')).toBe(await rolesDocument())
})

test('the types of the client say what the routes say', async () => {
  const file = join(ROOT, 'client/operations.generated.ts')
  expect(readFileSync(file, 'utf8')).toBe(await operationsFile())
})

describe('procedures', () => {
  test('say whom they let in', () => {
    const served = productProcedures()
    expect(served.filter(({ permission }) => permission === null)).toEqual([])
    const kinds = new Set(served.map(({ kind }) => kind))
    expect([...kinds]).toEqual(['query', 'mutation', 'subscription'])
  })

  test('need what each of their routes needs', () => {
    const needs = new Map(methods.map(({ name, contract }) => [name, contract?.permission]))
    const others = productProcedures().filter(({ routes: asked, permission }) =>
      asked.some((route) => needs.get(route) !== permission),
    )
    expect(others).toEqual([])
  })

  test('are named for each route of JSON that is not open', () => {
    expect(namedRoutes(routes).length).toBeGreaterThan(90)
    const contract = {
      summary: 's',
      permission: 'book.read',
      answers: { 200: z.string() },
    } as const
    const more = [...routes, { path: '/api/new', methods: { get: contract } }]
    expect(() => namedRoutes(more)).toThrow('without a name: GET /api/new;')
  })

  test('need no name for what is open or no JSON', () => {
    const open = { summary: 's', permission: 'open', answers: { 200: z.string() } } as const
    const file = { summary: 's', permission: 'book.read', answers: { 200: null } } as const
    const more = [...routes, { path: '/api/new', methods: { get: open, post: file } }]
    expect(namedRoutes(more)).toHaveLength(namedRoutes(routes).length)
  })

  test('are none without a route', () => {
    const fewer = routes.filter(({ path }) => path !== '/api/audit')
    expect(() => namedRoutes(fewer)).toThrow('without a route: GET /api/audit')
  })
})
