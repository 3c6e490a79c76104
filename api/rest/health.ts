/** Liveness and readiness: open to everybody, without detail. */
import type { Express } from 'express'

import { checkHealth, type HealthCheck } from '../../platform/health.ts'
import { requestLogger } from '../request-context.ts'
import { addRoute } from '../routes.ts'

/** What the routes need: the parts that must work, by name. */
export type HealthDeps = { readonly checks: Readonly<Record<string, HealthCheck>> }

/**
 * `GET /health/live`: this process answers. `GET /health/ready`: 200 when everything it needs does,
 * 503 otherwise.
 */
export function addHealthRoutes(app: Express, { checks }: HealthDeps): void {
  addRoute(app, '/health/live', {
    get: (_request, response) => {
      response.json({ status: 'live' })
    },
  })
  addRoute(app, '/health/ready', {
    get: async (_request, response) => {
      const { logger } = requestLogger(response)
      const health = await checkHealth(checks, {
        onFailed: (check, error) => logger.warn({ check, error }, 'health-check-failed'),
      })
      response.status(health.status === 'ready' ? 200 : 503).json(health)
    },
  })
}
