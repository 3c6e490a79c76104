/** A change of what the rules decide is a new revision: evaluations are replayed by the rules that made them. */
import { createHash } from 'node:crypto'

import { expect, it } from 'vitest'

import { decideBySources } from '../../../domain/decide-by-sources.ts'
import { DECISION_REVISION } from '../../../domain/decision-revision.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { arrivalPlus, arrived, departurePlus, HOURS, product, record, seenAt } from './legs.ts'
import { inputOf, second, secondAt } from './second.ts'

/** Of the corpus below under the revision that is named with it. */
const DECIDED = {
  revision: 2,
  sha256: '0135696825cd465a4ec4976bdd479c5eaebfa90acadd61693bad9e1c5724f5a2',
}

const DELAYS_MIN = [-20, 20, 43, 45, 49, 51, 100, 118, 121, 178, 180, 400]

/** Minutes after the scheduled arrival: each is the last look of a case. */
const LOOKS_MIN = [-30, 30, 47, 62, 107, 122, 182, 300, 420, 7 * HOURS, 12 * HOURS, 25 * HOURS]

function shownAtFirst(): ProviderLeg[][] {
  const out = { actualOut: departurePlus(100) }
  return [
    [],
    [record()],
    [record(out)],
    [record({ cancelled: true })],
    [record({ ...out, cancelled: true })],
    [record({ ...out, diverted: true })],
    [record({ estimatedIn: arrivalPlus(30 * HOURS) })],
    [arrived(90, { actualIn: null })],
    [arrived(120, { actualOut: departurePlus(20) })],
    ...DELAYS_MIN.map((delayMin) => [arrived(delayMin)]),
  ]
}

function shownAtSecond(): (ProviderLeg[] | null)[] {
  return [
    null,
    [],
    [record({ cancelled: true })],
    [record({ actualOut: departurePlus(10) })],
    [record({ diverted: true })],
    [record({ estimatedIn: arrivalPlus(30 * HOURS) })],
    [record({ isIncident: true })],
    ...DELAYS_MIN.map((delayMin) => [second(delayMin)]),
  ]
}

/** Each with two sources and with the first alone. */
function decisionsOf(first: ProviderLeg[], other: ProviderLeg[] | null): unknown[] {
  return LOOKS_MIN.flatMap((_, at) => {
    const minutes = LOOKS_MIN.slice(0, at + 1)
    return ['FD45', 'FD180'].map((code) => {
      const input = inputOf(seenAt(minutes, first), secondAt(minutes, other), product(code))
      return [decideBySources(input), decideBySources({ ...input, second: null })]
    })
  })
}

it('is raised when what the rules decide changes', () => {
  const hash = createHash('sha256')
  let pays = 0
  const all = shownAtFirst().flatMap((first) =>
    shownAtSecond().flatMap((other) => decisionsOf(first, other)),
  )
  for (const decided of all) {
    const line = JSON.stringify(decided)
    if (line.includes('"PAY"')) pays += 1
    hash.update(`${line}\n`)
  }
  expect(pays).toBeGreaterThan(1_000)
  // Not as before? Raise DECISION_REVISION, say there what changed, and put both here.
  expect({ revision: DECISION_REVISION, sha256: hash.digest('hex') }).toEqual(DECIDED)
})
