/** Liveness and readiness: open to everybody, without detail. */
import type { Express } from 'express'

import { z } from 'zod'

import { checkHealth, type HealthCheck } from '../../platform/health.ts'
import { requestLogger } from '../request-context.ts'
import { addRoute } from '../routes.ts'

/** What the routes need: the parts that must work, by name. */
export type HealthDeps = { readonly checks: Readonly<Record<string, HealthCheck>> }

const open = { permission: 'open' } as const
const live = z.strictObject({ status: z.literal('live') })
const ready = z.strictObject({
  status: z.enum(['ready', 'unavailable']),
  checks: z.record(z.string(), z.enum(['ok', 'failed'])),
})

/**
 * `GET /health/live`: this process answers. `GET /health/ready`: 200 when everything it needs does,
 * 503 otherwise.
 */
export function addHealthRoutes(app: Express, { checks }: HealthDeps): void {
  addRoute(
    app,
    '/health/live',
    {
      get: (_request, response) => {
        response.json({ status: 'live' })
      },
    },
    { get: { ...open, summary: 'Whether this process answers', answers: { 200: live } } },
  )
  addRoute(
    app,
    '/health/ready',
    {
      get: async (_request, response) => {
        const { logger } = requestLogger(response)
        const health = await checkHealth(checks, {
          onFailed: (check, error) => logger.warn({ check, error }, 'health-check-failed'),
        })
        response.status(health.status === 'ready' ? 200 : 503).json(health)
      },
    },
    {
      get: { ...open, summary: 'Whether its parts answer', answers: { 200: ready, 503: ready } },
    },
  )
}
