/** The business clock, for servers outside that simulate the world on our time. */
import type { Express } from 'express'

import type { ClockReading } from '../../domain/ports/clock.ts'
import { addRoute } from '../routes.ts'

/** What the route needs. */
export type ClockDeps = {
  /** The clock's row; wall time at speed 1 when there is none. */
  readonly readClock: () => Promise<ClockReading>
}

/** `GET /api/clock` -> `{now, speed}`. Needs the database only, and answers before Temporal is up. */
export function addClockRoutes(app: Express, { readClock }: ClockDeps): void {
  addRoute(app, '/api/clock', {
    get: async (_request, response) => {
      const { now, speed } = await readClock()
      response.set('cache-control', 'no-store').json({ now, speed })
    },
  })
}
