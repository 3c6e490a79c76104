/** Whom a procedure lets in that asks no route, or several: what the router itself refuses. */
import type { Request, Response } from 'express'
import { describe, expect, it } from 'vitest'

import {
  procedure,
  router,
  servedProcedures,
  type ProcedureContext,
} from '../../../api/trpc/procedure-base.ts'
import type { Role } from '../../../api/roles.ts'
import { DEFAULT_TENANT } from '../../../domain/role.ts'
import { createLogger } from '../../../platform/logger.ts'

const done = () => 'done'
const served = router({
  audit: procedure.meta({ permission: 'audit.read', routes: [] }).query(done),
  both: procedure.meta({ permission: 'jobs.run', routes: ['POST /a', 'POST /b'] }).mutation(done),
  one: procedure.meta({ permission: 'audit.read', routes: ['GET /a'] }).query(done),
  silent: procedure.query(done),
})

function calledBy(role: Role, tenant: string = DEFAULT_TENANT) {
  const caller = { name: 'ann', role, tenant, isNamed: true }
  const locals = {
    requestContext: { correlationId: 'c-1', logger: createLogger({ level: 'fatal' }) },
  }
  const context = { caller, request: {} as Request, response: { locals } as unknown as Response }
  return served.createCaller({ ...context, calls: 1 } satisfies ProcedureContext)
}

describe('a procedure', () => {
  it.each([
    ['audit', 'admin', 'operator'],
    ['both', 'operator', 'viewer'],
    ['silent', 'admin', 'claims'],
  ] as const)('%s lets in the role %s, and not %s', async (name, one, other) => {
    expect(await calledBy(one)[name]()).toBe('done')
    await expect(calledBy(other)[name]()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it.each(['audit', 'both', 'silent'] as const)('%s is for the house alone', async (name) => {
    const asked = calledBy('admin', 'acme')[name]()
    await expect(asked).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('of one route leaves the question to its route', async () => {
    expect(await calledBy('viewer').one()).toBe('done')
  })

  it("is listed with its kind; one that names no permission as the admin's alone", () => {
    expect(servedProcedures(served)).toEqual([
      { name: 'audit', kind: 'query', permission: 'audit.read', routes: [] },
      { name: 'both', kind: 'mutation', permission: 'jobs.run', routes: ['POST /a', 'POST /b'] },
      { name: 'one', kind: 'query', permission: 'audit.read', routes: ['GET /a'] },
      { name: 'silent', kind: 'query', permission: null, routes: [] },
    ])
  })
})
