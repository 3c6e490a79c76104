/** Airports in use and their weather, as last asked for. */
import type { Express } from 'express'

import type { CachedAirport } from '../../domain/ports/airport-cache.ts'
import { addRoute } from '../routes.ts'
import { objectShape } from '../shapes.ts'
import { found, notFound, pathText } from './read-query.ts'

/** What the route needs. */
export type AirportsDeps = {
  readonly findAirport: (code: string) => Promise<CachedAirport | null>
}

/** `GET /api/airports/:code` -> `{code, airport, weather}`; 404 for one that is not in use. */
export function addAirportRoutes(app: Express, { findAirport }: AirportsDeps): void {
  addRoute(
    app,
    '/api/airports/:code',
    {
      get: async (request, response) => {
        const code = pathText(request, 'code', 'airport').toUpperCase()
        if (!/^[A-Z]{3}$/.test(code)) throw notFound('airport')
        response.json(found(await findAirport(code), 'airport'))
      },
    },
    {
      get: {
        summary: 'An airport in use and its weather',
        permission: 'operations.read',
        isForTenants: true,
        answers: { 200: objectShape },
      },
    },
  )
}
