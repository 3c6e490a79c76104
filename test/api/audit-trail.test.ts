/** Everything that changes something through a door is in the audit trail, with who did it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PassThrough } from 'node:stream'

import { Command } from 'commander'

import { register as registerClock } from '../../cli/commands/clock.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createApiRig, RIG_NOW, type ApiRig } from './api-rig.ts'

let rig: ApiRig

beforeAll(async () => {
  rig = await createApiRig({ withFlights: true })
})
afterAll(() => rig[Symbol.asyncDispose]())

type Event = {
  readonly actor: string
  readonly at: string
  readonly subject: string
  readonly details: Record<string, unknown>
}

async function events(action: string): Promise<Event[]> {
  const { status, body } = await rig.ask('GET', `/api/audit?action=${action}`)
  expect(status).toBe(200)
  return (body as { items: Event[] }).items
}

function row(number: string) {
  const [leg] = rig.legs
  if (leg === undefined) throw new Error('the pack has no leg on that day')
  return {
    policy_number: number,
    product: 'FD120',
    carrier: leg.carrier,
    flight_number: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    departure_date: leg.originLocalDate,
    sum_insured: '250.00',
    currency: 'USD',
    payee_ref: 'acct_1',
  }
}

const JOBS = '/api/admin/scheduler/jobs'

describe('the audit trail', () => {
  it('has who bound a policy, once', async () => {
    const body = row('A-1')
    expect((await rig.ask('POST', '/api/policies', { body })).status).toBe(201)
    expect((await rig.ask('POST', '/api/policies', { body })).status).toBe(200)
    expect(await events('policy.bind')).toMatchObject([
      { actor: 'local', at: RIG_NOW, subject: 'policy:A-1', details: { before: null } },
    ])
  })

  it('has one event for a book', async () => {
    const body = { policies: [row('B-1'), row('B-2'), row('B-3')] }
    expect((await rig.ask('POST', '/api/policies', { body })).status).toBe(201)
    expect((await events('policy.bind'))[0]).toMatchObject({
      subject: 'policies',
      details: { after: { policies: 3, first: 'B-1', last: 'B-3' } },
    })
  })

  it('has nothing of a policy that was refused', async () => {
    const before = await events('policy.bind')
    const body = { ...row('C-1'), product: 'NONE' }
    expect((await rig.ask('POST', '/api/policies', { body })).status).toBe(422)
    expect(await events('policy.bind')).toEqual(before)
  })

  it('has who started a run and who cancelled it', async () => {
    const executeAt = new Date(Date.now() + 86_400_000).toISOString()
    const body = { type: 'MAINTENANCE', executeAt, payload: { task: 'analyze' } }
    const started = await rig.ask('POST', JOBS, { body })
    expect(started.status).toBe(201)
    const { id } = started.body as { id: string }
    expect(await events('job.start')).toMatchObject([
      { actor: 'local', subject: 'job:maintenance', details: { after: { executeAt } } },
    ])
    expect((await rig.ask('DELETE', `${JOBS}/${encodeURIComponent(id)}`)).status).toBe(202)
    expect(await events('job.cancel')).toMatchObject([
      { subject: 'job:maintenance', details: { id, before: 'scheduled' } },
    ])
    expect((await rig.ask('DELETE', `${JOBS}/none`)).status).toBe(404)
    expect(await events('job.cancel')).toHaveLength(1)
  })

  it('has who saved contacts, and nothing of what is in them', async () => {
    const body = { contacts: [{ holder_ref: 'acct_1', email: 'ann@example.test' }] }
    expect((await rig.ask('POST', '/api/contacts', { body })).status).toBe(200)
    const saved = await events('contacts.save')
    expect(saved).toMatchObject([
      { actor: 'local', details: { after: { created: 1, changed: 0 } } },
    ])
    expect(JSON.stringify(saved)).not.toContain('example.test')
  })

  it('has who set the clock, before and after', async () => {
    const stdout = new PassThrough()
    const program = new Command().exitOverride()
    const env = { DATABASE_URL: rig.database.url }
    registerClock(program, { env, stdout, stderr: stdout, signal: new AbortController().signal })
    await program.parseAsync(['clock', 'set', '2013-02-07T13:00:00Z'], { from: 'user' })
    const [set] = await events('clock.set')
    expect(set).toMatchObject({
      subject: 'clock',
      details: { before: { now: RIG_NOW }, after: { now: '2013-02-07T13:00:00.000Z' } },
    })
    expect(set?.actor).toMatch(/^user:./)
  })

  it('holds as a chain after all of it', async () => {
    const { events: count, firstBreak } = await createAuditChain(rig.database.db).verify()
    expect(firstBreak).toBeNull()
    expect(count).toBeGreaterThan(5)
  })
})
