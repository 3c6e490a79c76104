/** The business clock, for servers outside that simulate the world on our time. */
import type { Express } from 'express'
import { z } from 'zod'

import type { ClockReading } from '../../domain/ports/clock.ts'
import { addRoute } from '../routes.ts'
import { instantShape } from '../shapes.ts'

/** What the route needs. */
export type ClockDeps = {
  /** The clock's row; wall time at speed 1 when there is none. */
  readonly readClock: () => Promise<ClockReading>
  /** Whether everybody who reaches the API is on this machine: then the clock is open. */
  readonly isLoopback: boolean
}

const clock = z.strictObject({ now: instantShape, speed: z.number() })

/** `GET /api/clock` -> `{now, speed}`. Needs the database only, and answers before Temporal is up. */
export function addClockRoutes(app: Express, { readClock, isLoopback }: ClockDeps): void {
  const permission = isLoopback ? 'open' : 'operations.read'
  addRoute(
    app,
    '/api/clock',
    {
      get: async (_request, response) => {
        const { now, speed } = await readClock()
        response.set('cache-control', 'no-store').json({ now, speed })
      },
    },
    {
      get: {
        permission,
        isForTenants: true,
        summary: 'The business clock',
        answers: { 200: clock },
      },
    },
  )
}
