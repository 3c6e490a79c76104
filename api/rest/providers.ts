/** How outside services do, as the last check found. */
import type { Express } from 'express'
import { z } from 'zod'

import type { ProviderHealth } from '../../domain/ports/provider-health-store.ts'
import { addRoute } from '../routes.ts'
import { objectShape } from '../shapes.ts'

/** What the route needs. */
export type ProvidersDeps = {
  readonly readProviders: () => Promise<ProviderHealth[]>
}

/** `GET /api/providers` -> `{items}`. */
export function addProviderRoutes(app: Express, { readProviders }: ProvidersDeps): void {
  addRoute(
    app,
    '/api/providers',
    {
      get: async (_request, response) => {
        response.json({ items: await readProviders() })
      },
    },
    {
      get: {
        summary: 'Outside services: state, failed calls, breakers and budgets',
        permission: 'operations.read',
        isForTenants: true,
        answers: { 200: z.strictObject({ items: z.array(objectShape) }) },
      },
    },
  )
}
