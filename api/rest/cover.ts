/** Which products are off sale. They are switched by the job `coverage-arming`. */
import type { Express } from 'express'
import { z } from 'zod'

import type { CoverSwitch } from '../../domain/ports/cover-switch.ts'
import { addRoute } from '../routes.ts'
import { objectShape } from '../shapes.ts'

/** What the route needs. */
export type CoverDeps = { readonly listCoverSwitches: () => Promise<CoverSwitch[]> }

/** `GET /api/admin/scheduler/cover` -> the switches that were ever moved. */
export function addCoverRoutes(app: Express, deps: CoverDeps): void {
  addRoute(
    app,
    '/api/admin/scheduler/cover',
    {
      get: async (_request, response) => {
        const switches = await deps.listCoverSwitches()
        response.set('cache-control', 'no-store').json({ switches })
      },
    },
    {
      get: {
        summary: 'Products that were taken off sale or put on sale again',
        permission: 'operations.read',
        answers: { 200: z.strictObject({ switches: z.array(objectShape) }) },
      },
    },
  )
}
