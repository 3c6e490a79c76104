/** Figures of ended periods, and reports as files to download. Changes nothing. */
import type { Express, Request, Response } from 'express'
import { z } from 'zod'

import { PERIOD_KINDS, type PeriodKind } from '../../domain/analytics/period.ts'
import {
  ReportTornError,
  type ReportFiles,
  type ReportKey,
  type ReportManifest,
} from '../../domain/ports/report-files.ts'
import { REPORTS, type Report } from '../../domain/reports/reports.ts'
import type { PeriodFigures } from '../../operations/read-figures.ts'
import { callerOf } from '../caller.ts'
import { parseInput, ProblemError } from '../problem.ts'
import { isAllowed } from '../roles.ts'
import { addRoute } from '../routes.ts'
import { instantShape, objectShape } from '../shapes.ts'
import { found, notFound, pathText } from './read-query.ts'

/** What the routes need. */
export type ReportsDeps = {
  readonly reports: Pick<ReportFiles, 'list' | 'find' | 'read'>
  readonly readFigures: (kind: PeriodKind, period: string) => Promise<PeriodFigures | null>
}

const noQuery = z.strictObject({})
const reportsQuery = z.strictObject({ report: z.enum(REPORTS).optional() })

const manifestShape = z.strictObject({
  report: z.enum(REPORTS),
  period: z.string(),
  kind: z.enum(PERIOD_KINDS),
  startsAt: instantShape,
  endsAt: instantShape,
  generatedAt: instantShape,
  generatedAtWall: instantShape,
  files: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      bytes: z.int(),
      rows: z.int(),
      sha256: z.string(),
    }),
  ),
})

const figuresShape = z.strictObject({
  kind: z.enum(PERIOD_KINDS),
  period: z.string(),
  business: objectShape.nullable(),
  wall: objectShape.nullable(),
})

/** A page of ours draws itself: it needs no script, no network and no frame around it. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

/** `/api/reports` and `/api/figures`. */
export function addReportRoutes(app: Express, deps: ReportsDeps): void {
  addRoute(
    app,
    '/api/figures/:kind/:period',
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const kind = PERIOD_KINDS.find((one) => one === request.params['kind'])
        if (kind === undefined) throw notFound('kind of period')
        const period = pathText(request, 'period', 'period')
        response.json(found(await deps.readFigures(kind, period), 'period'))
      },
    },
    {
      get: {
        summary: 'The kept figures of an hour, day, week or month',
        permission: 'book.read',
        query: noQuery,
        answers: { 200: figuresShape },
      },
    },
  )
  addFileRoutes(app, deps)
}

function addFileRoutes(app: Express, { reports }: ReportsDeps): void {
  addRoute(
    app,
    '/api/reports',
    {
      get: async (request, response) => {
        const { report } = parseInput(reportsQuery, request.query, 'query')
        const items = (await reports.list()).filter(
          (one) => mayRead(response, one.report) && (report === undefined || one.report === report),
        )
        response.json({ items })
      },
    },
    {
      get: {
        summary: 'Reports that can be downloaded, the newest period first',
        permission: 'book.read',
        query: reportsQuery,
        answers: { 200: z.strictObject({ items: z.array(manifestShape) }) },
      },
    },
  )
  addRoute(
    app,
    '/api/reports/:report/:period',
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const manifest: ReportManifest = found(
          await reports.find(keyOf(request, response)),
          'report',
        )
        response.json(manifest)
      },
    },
    {
      get: {
        summary: 'The files of a report with their checksums',
        permission: 'book.read',
        query: noQuery,
        answers: { 200: manifestShape },
      },
    },
  )
  addRoute(
    app,
    '/api/reports/:report/:period/files/:file',
    { get: (request, response) => download(reports, request, response) },
    {
      get: {
        summary: 'One file of a report',
        permission: 'book.read',
        query: noQuery,
        answers: { 200: null },
      },
    },
  )
}

async function download(
  reports: ReportsDeps['reports'],
  request: Request,
  response: Response,
): Promise<void> {
  parseInput(noQuery, request.query, 'query')
  const key = keyOf(request, response)
  const name = pathText(request, 'file', 'file')
  const file = found(await reports.read(key, name).catch(explainTorn), 'file')
  const isPage = file.type === 'text/html'
  response.set({
    'content-type': `${file.type}; charset=utf-8`,
    'content-disposition': `${isPage ? 'inline' : 'attachment'}; filename="${key.report}-${key.period}-${file.name}"`,
    'content-security-policy': PAGE_POLICY,
    digest: `sha-256=${Buffer.from(file.sha256, 'hex').toString('base64')}`,
  })
  response.send(Buffer.from(file.content))
}

function explainTorn(error: unknown): never {
  if (!(error instanceof ReportTornError)) throw error
  throw new ProblemError(
    409,
    'report-being-written',
    `${error.message}: ask again, or write it anew`,
  )
}

/** The report's name is one of ours; what the audit trail says is for those who may read it. */
function keyOf(request: Request, response: Response): ReportKey {
  const report = REPORTS.find((one) => one === request.params['report'])
  if (report === undefined) throw notFound('report')
  if (!mayRead(response, report)) {
    const { name, role } = callerOf(response)
    throw new ProblemError(403, 'forbidden', `${name} has the role ${role}, which lacks audit.read`)
  }
  return { report, period: pathText(request, 'period', 'report') }
}

function mayRead(response: Response, report: Report): boolean {
  return report !== 'audit' || isAllowed(callerOf(response).role, 'audit.read')
}
