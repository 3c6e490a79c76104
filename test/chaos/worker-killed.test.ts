/** A worker killed in the middle of a storm of payouts: each is paid once, nothing is forgotten. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { parseDecisions, type DecidedPolicy } from '../../acceptance/oracle/expected-book.ts'
import { Installation } from '../../acceptance/installation.ts'

const POLICIES = 4_000
/** US2132 of 8 February was cancelled; insured arrival 21:08Z, certain three hours later. */
const LEG = 'US,2132,LGA,BOS,2013-02-08'
const BEFORE_CERTAIN = '2013-02-08T23:58:00Z'
const CERTAIN = '2013-02-09T00:20:00Z'
/** Each transfer takes this long, so that the storm lasts long enough to be hit. */
const TRANSFER_MS = 25
/** The kill comes after so many transfers: some results are stored, some only at the rail. */
const KILL_AFTER = 900

type MoneyMoved = { count: number; sums: Record<string, number>; doubles: unknown[] }

let installation: Installation
let moneyAtKill: MoneyMoved

beforeAll(async () => {
  installation = await Installation.create()
  const book = join(installation.home, 'book.csv')
  await writeFile(book, policiesOfOneLeg())
  await installation.start(['--speed', '0', '--policies', book])
  await installation.must('clock', 'run', '--until', BEFORE_CERTAIN)
  const { paymentsUrl } = await installation.addresses()
  await fetch(new URL('/__faults', paymentsUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ faults: { latency: { ms: TRANSFER_MS } } }),
  })
  const stepped = installation.run('clock', 'step', '--to', CERTAIN)
  moneyAtKill = await killWorkerAfter(KILL_AFTER)
  const { code, stdout, stderr } = await stepped
  expect({ code }, `${stdout}\n${stderr}`).toEqual({ code: 0 })
  await untilAllSettled()
}, 240_000)

afterAll(async () => {
  await installation?.[Symbol.asyncDispose]()
})

it('was really in the middle when the worker died', () => {
  expect(moneyAtKill.count).toBeGreaterThanOrEqual(KILL_AFTER)
  expect(moneyAtKill.count).toBeLessThan(POLICIES)
})

it('pays every policy of the storm once', async () => {
  const decided = parseDecisions(await installation.must('decisions', 'export', '-'))
  const transfers = new Set([...decided.values()].map(transferOf))
  transfers.delete('')
  const money = await moneyMoved()
  expect(decided.size).toBe(POLICIES)
  expect(transfers.size).toBe(POLICIES)
  expect(money.count).toBe(POLICIES)
  expect(money.doubles).toEqual([])
  expect(money.sums['usd']).toBe(POLICIES * 100_00)
})

it('leaves balanced books', async () => {
  const { code, stdout } = await installation.run('verify')
  expect({ code }, stdout).toEqual({ code: 0 })
})

function policiesOfOneLeg(): string {
  const header =
    'policy_number,product,carrier,flight_number,origin,destination,departure_date,' +
    'sum_insured,currency,payee_ref,bound_at'
  const rows = Array.from(
    { length: POLICIES },
    (_, i) => `CHAOS-${i},FD45,${LEG},100.00,USD,acct_chaos${i},2013-02-01T00:00:00Z`,
  )
  return [header, ...rows, ''].join('\n')
}

async function killWorkerAfter(count: number): Promise<MoneyMoved> {
  for (;;) {
    const money = await moneyMoved()
    if (money.count >= count) {
      const { pid } = await installation.addresses()
      process.kill(workerOf(pid), 'SIGKILL')
      return money
    }
    await pause(5)
  }
}

/** The process that `start` runs as its worker. */
function workerOf(parent: number): number {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const line = lines.find((text) => {
    const [, ppid, ...args] = text.trim().split(/\s+/)
    return ppid === String(parent) && args.includes('worker')
  })
  if (line === undefined) throw new Error(`no worker under process ${parent}`)
  return Number(line.trim().split(/\s+/)[0])
}

/** The test's own time limit ends the wait. */
async function untilAllSettled(): Promise<void> {
  for (;;) {
    const decided = parseDecisions(await installation.must('decisions', 'export', '-'))
    if ([...decided.values()].filter((one) => transferOf(one) !== '').length === POLICIES) return
    await pause(500)
  }
}

async function moneyMoved(): Promise<MoneyMoved> {
  const { paymentsUrl } = await installation.addresses()
  const response = await fetch(new URL('/__log', paymentsUrl))
  return (await response.json()) as MoneyMoved // the local payment server's own summary
}

function transferOf({ payouts }: DecidedPolicy): string {
  return payouts[0]?.transferId ?? ''
}
