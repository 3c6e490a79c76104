/** Run-time settings over HTTP. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import { NOTE_LIMIT } from '../../domain/plain-text.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import {
  SettingError,
  type SettingRequest,
  type ShownSetting,
} from '../../operations/change-settings.ts'
import { noteText } from '../contract.ts'
import { onceByKey } from '../idempotency.ts'
import { ProblemError, invalidRequest, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { instantShape } from '../shapes.ts'
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
const version = z.int('the version that you have seen').min(0).optional()

/** As wide as any setting's bounds; which those are, the setting says. */
const value = z.union(
  [z.boolean(), z.number(), z.string().max(NOTE_LIMIT), z.record(z.string(), z.number())],
  'a flag, a number, a text, or numbers by currency',
)

const changeBody = z.strictObject(
  { by: noteText, reason: noteText, value, version },
  'a JSON object',
)

const resetBody = z.strictObject({ by: noteText, reason: noteText, version }, 'a JSON object')

const shown = z.strictObject({
  key: z.string(),
  type: z.string(),
  unit: z.string().nullable(),
  value: z.unknown(),
  isSet: z.boolean(),
  isOutOfBounds: z.boolean(),
  default: z.unknown(),
  variable: z.string().nullable(),
  bounds: z.string(),
  description: z.string(),
  effect: z.string(),
  version: z.int(),
  updatedBy: z.string().nullable(),
  updatedAt: instantShape.nullable(),
})

const changed = z.strictObject({ setting: shown, changed: z.boolean() })

/**
 * `GET /api/admin/scheduler/settings` and `/:key`. `POST /:key` with `{by, reason, value, version?}` sets,
 * `DELETE /:key` with `{by, reason, version?}` resets -> `{setting, changed}`.
 */
export function addSettingRoutes(app: Express, deps: SettingsDeps): void {
  addRoute(
    app,
    SETTINGS_PATH,
    {
      get: async (_request, response) => {
        const settings = await deps.settings.list()
        response.set('cache-control', 'no-store').json({ settings })
      },
    },
    {
      get: {
        summary: 'Run-time settings with what holds',
        permission: 'operations.read',
        answers: { 200: z.strictObject({ settings: z.array(shown) }) },
      },
    },
  )
  addOneSetting(app, deps)
}

function addOneSetting(app: Express, deps: SettingsDeps): void {
  const change = { permission: 'settings.change', answers: { 200: changed } } as const
  addRoute(
    app,
    `${SETTINGS_PATH}/:key`,
    {
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
      delete: [
        ...jsonBody(),
        async (request, response) => {
          const note = parseInput(resetBody, request.body, 'body')
          const done = await explained(deps.settings.change({ ...note, key: keyOf(request) }))
          response.json({ setting: done.setting, changed: done.isChanged })
        },
      ],
    },
    {
      get: {
        summary: 'One run-time setting',
        permission: 'operations.read',
        answers: { 200: shown },
      },
      post: { summary: 'Change a run-time setting', body: changeBody, isKeyed: true, ...change },
      delete: { summary: 'Let the default of a setting hold again', body: resetBody, ...change },
    },
  )
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
