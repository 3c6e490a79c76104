/** Something of every kind that commands name, and the texts that name it. */
import { userInfo } from 'node:os'

import { sql } from 'kysely'

import { EXIT } from '../../cli/cli-error.ts'
import type { Database } from '../../db/client.ts'
import { createAirportCache } from '../../db/stores/airport-cache.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { addMs, HOUR_MS } from '../../domain/time.ts'
import type { StartedJob } from '../../platform/temporal/job-starter.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import type { CaseTexts } from '../support/cli-cases.ts'
import type { CliRun } from '../support/cli-runs.ts'
import { saveContacts } from '../support/notification-book.ts'
import { makeReadBook, numberOn } from '../support/read-book.ts'
import { RIG_NOW, type ApiRig } from './api-rig.ts'

/** Wall times that are near enough for what is switched or made up for. */
const NEAR = [2, 1, -1, -2].map((hours) => new Date(Date.now() + hours * 3_600_000).toJSON())

const INSTANTS = [...NEAR, '2013-02-07T12:00:00Z', '2099-01-01T00:00:00.5+01:00']

const HOLDERS = Array.from({ length: 12 }, (_, i) => `acct_${numberOn(i, 0)}`)

/** Texts of fields that need no row. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  code: ['JFK', 'BOS'],
  cron: ['30 2 * * *', '0 6 * * MON-FRI'],
  currency: ['USD', 'EUR'],
  by: ['ada', 'bob'],
  reason: ['fuzz', 'a drill'],
  every: ['15 minutes', '2 hours'],
  executeAt: INSTANTS,
  expiresAt: INSTANTS,
  failedAfter: INSTANTS,
  from: INSTANTS,
  holderRef: HOLDERS,
  job: ['flight-monitor', 'RECONCILIATION'],
  jobs: ['cleanup', 'reconciliation'],
  key: ['runs.historyDays', 'payouts.dailyCeilingMinor', 'payouts.paused'],
  kind: ['hourly-metrics', 'daily-analytics'],
  name: ['flight-monitor', 'RECONCILIATION', 'monitoring', 'payouts'],
  owner: ['ada'],
  payload: ['{}', '{"dryRun":true}'],
  payee_ref: ['acct_1A2b'],
  payeeRef: ['acct_1A2b'],
  period: ['2013-02-08', '2013-02', '2013-02-08T17'],
  policy_number: ['Q-1', 'Q-2'],
  product: ['FD45', 'FD180'],
  receivedAt: INSTANTS,
  since: INSTANTS,
  sum_insured: ['250.00', '100'],
  tenant: ['default'],
  timezone: ['Europe/Berlin', 'UTC'],
  type: ['RECONCILIATION', 'report', 'coverage-arming'],
  until: INSTANTS,
  userId: ['ada', 'bob'],
  value: ['20', 'true', 'null', '{"USD":1000}'],
  version: ['0', '1'],
}

/** For fields that none of these are known of. */
const SOME = ['2013-02-08', 'FD45', 'B6', 'JFK', 'R-03-00', 'flight-monitor', ...INSTANTS]

/** Fills the rig's book and server, by commands where they can; the texts of cases. */
export async function fillCliBook(
  rig: ApiRig,
  groundstop: (words: readonly string[]) => Promise<CliRun>,
): Promise<CaseTexts> {
  const { db } = rig.database
  await applySchedules(rig, { speed: 1 })
  const legKey = await makeReadBook(db)
  await saveContacts(
    db,
    HOLDERS.map((holder_ref) => ({ holder_ref, email: 'holder@example.com' })),
  )
  await createNotificationStore(db, null).queueFacts(50)
  await keepAirport(db)
  const made = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await groundstop(words)
    if (code !== EXIT.ok) throw new Error(`${words.join(' ')}: ${err}`)
    return out
  }
  const named = await makeByCommands(rig, made)
  const known = new Map([...Object.entries(TEXTS), ...Object.entries({ ...named, legKey })])
  for (const { field, names } of await namesOfRows(db)) known.set(field, names)
  const users = await sql<{ id: string; name: string }>`select id, name from auth_user`.execute(db)
  return {
    known: (field) => known.get(field.split('.').at(-1) ?? field) ?? [],
    some: SOME,
    userIds: new Map(users.rows.map(({ id, name }) => [name, id])),
    actor: `user:${userInfo().username}`,
  }
}

async function keepAirport(db: Database): Promise<void> {
  const times = { fetchedAt: RIG_NOW, refreshAt: RIG_NOW, expiresAt: addMs(RIG_NOW, HOUR_MS) }
  const airport = {
    ...{
      code: 'JFK',
      icao: 'KJFK',
      name: 'John F Kennedy International Airport',
      city: 'New York',
    },
    ...{ countryCode: 'US', latitude: 40.64, longitude: -73.78, elevationFt: 13 },
    timezone: 'America/New_York',
  }
  await createAirportCache(db).saveAirport('aeroapi', airport, times)
}

/** What commands make before the fuzz begins; names by field. */
async function makeByCommands(
  rig: ApiRig,
  made: (...words: string[]) => Promise<string>,
): Promise<Record<string, readonly string[]>> {
  const why = ['--reason', 'fuzz', '--by', 'ada']
  for (const name of ['ada', 'bob']) {
    await made('users', 'create-admin', '--name', name, '--email', `${name}@example.com`)
  }
  await made('api-keys', 'create', 'ci', '--role', 'viewer', ...why)
  await made('tasks', 'create', 'reconciliation', '--every', '24 hours', ...why)
  await made('privacy', 'request', 'acct_R-03-00', '--kind', 'export', ...why)
  const run = JSON.parse(await made('jobs', 'run', 'reconciliation')) as StartedJob
  const body = { type: 'report', executeAt: NEAR[1] }
  const waiting = await rig.ask('POST', '/api/admin/scheduler/jobs', { body })
  const windowId = []
  for (const job of ['cleanup', 'log-pruning', 'session-cleanup', 'report']) {
    const line = await made('windows', 'open', `--job=${job}`, `--until=${NEAR[0]}`, ...why)
    windowId.push(line.split(':')[0] ?? '')
  }
  return {
    id: [run.workflowId, (waiting.body as { id: string }).id],
    runId: [run.runId],
    windowId,
    ...(await quoteLeg(rig, made)),
  }
}

/** Quotes cover of a flight; its words. */
async function quoteLeg(
  rig: ApiRig,
  made: (...words: string[]) => Promise<string>,
): Promise<Record<string, readonly string[]>> {
  const [leg] = rig.legs
  if (leg === undefined) throw new Error('the pack has no leg of the day')
  const { origin, destination, originLocalDate: date } = leg
  const flight = `${leg.carrier}${leg.flightNumber}`
  const place = ['--flight', flight, '--from', origin, '--to', destination, '--date', date]
  const quoteId = []
  for (const sum of ['100', '200', '300']) {
    const words = ['quotes', 'create', '--json', '--product', 'FD45', '--sum', sum, ...place]
    quoteId.push((JSON.parse(await made(...words)) as { quoteId: string }).quoteId)
  }
  return {
    quoteId,
    flight: [flight],
    origin: [origin],
    destination: [destination],
    departure_date: [date],
  }
}

async function namesOfRows(db: Database): Promise<{ field: string; names: string[] }[]> {
  const { rows } = await sql<{ field: string; names: string[] }>`
    select 'policyNumber' as field, array_agg(policy_number order by policy_number) as names
      from (select policy_number from policy order by md5(policy_number) limit 40) p
    union all select 'payoutId', array_agg(id::text) from (select id from payout order by id limit 9) p
    union all select 'caseId', array_agg(id::text) from (select id from review_case limit 9) p
    union all select 'apiKeyId', array_agg(id::text) from api_key
    union all select 'taskIds', array_agg(id::text) from task
    union all select 'taskId', array_agg(id::text) from task
    union all select 'requestId', array_agg(id::text) from privacy_request
    union all select 'notificationId', array_agg(id::text) from (select id from notification limit 9) n
    union all select 'account', array_agg(distinct source) from ledger_posting`.execute(db)
  return rows
}
