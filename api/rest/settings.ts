/** Run-time settings over HTTP. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import {
  SettingError,
  type SettingRequest,
  type ShownSetting,
} from '../../operations/change-settings.ts'
import { onceByKey } from '../idempotency.ts'
import { ProblemError, invalidRequest, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { pathText } from './read-query.ts'

/** What the routes need. Each throws SettingError. */
export type SettingsDeps = {
  readonly settings: {
    list(): Promise<ShownSetting[]>
    read(key: string): Promise<ShownSetting>
    change(
      request: SettingRequest,
    ): Promise<{ readonly setting: ShownSetting; readonly isChanged: boolean }>
  }
  readonly idempotency: IdempotencyStore
}

const SETTINGS_PATH = '/api/admin/scheduler/settings'
const TEXT_LIMIT = 200

const text = z.string(`1 to ${TEXT_LIMIT} characters`).trim().min(1).max(TEXT_LIMIT)

const changeBody = z.strictObject(
  {
    by: text,
    reason: text,
    value: z.json('a JSON value'),
    version: z.int('the version that you have seen').min(0).optional(),
  },
  'a JSON object',
)

const resetQuery = z.strictObject({
  by: text,
  reason: text,
  version: z.coerce.number().int().min(0).optional(),
})

/**
 * `GET /api/admin/scheduler/settings` and `/:key`. `POST /:key` with `{by, reason, value, version?}` sets,
 * `DELETE /:key?by&reason&version` resets -> `{setting, changed}`.
 */
export function addSettingRoutes(app: Express, deps: SettingsDeps): void {
  addRoute(app, SETTINGS_PATH, {
    get: async (_request, response) => {
      const settings = await deps.settings.list()
      response.set('cache-control', 'no-store').json({ settings })
    },
  })
  addRoute(app, `${SETTINGS_PATH}/:key`, {
    get: async (request, response) => {
      const setting = await explained(deps.settings.read(keyOf(request)))
      response.set('cache-control', 'no-store').json(setting)
    },
    post: [
      ...jsonBody(),
      async (request, response) => {
        const { status, body } = await set(deps, request)
        response.status(status).json(body)
      },
    ],
    delete: async (request, response) => {
      const note = parseInput(resetQuery, request.query, 'query')
      const done = await explained(deps.settings.change({ ...note, key: keyOf(request) }))
      response.json({ setting: done.setting, changed: done.isChanged })
    },
  })
}

async function set(deps: SettingsDeps, request: Request) {
  const key = keyOf(request)
  const body: unknown = request.body
  const change = parseInput(changeBody, body, 'body')
  const keyed = { scope: `POST ${SETTINGS_PATH}`, body: { key, body } }
  return onceByKey(deps.idempotency, request, keyed, async () => {
    const done = await explained(deps.settings.change({ ...change, key }))
    return { status: 200, body: { setting: done.setting, changed: done.isChanged } }
  })
}

function keyOf(request: Request): string {
  return pathText(request, 'key', 'setting')
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    switch (error.code) {
      case 'UNKNOWN_SETTING':
        throw new ProblemError(404, 'not-found', error.message, { cause: error })
      case 'OUT_OF_BOUNDS':
        throw invalidRequest([{ path: 'value', message: error.message }])
      case 'CHANGED_MEANWHILE':
        throw new ProblemError(409, 'conflict', error.message, { cause: error })
    }
  }
}
