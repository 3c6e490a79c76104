/** The traps of real flight data: what the product would do without the rule that each one needs. */
import type { BrokenRule, Edit } from './broken-rule.ts'

const MATCH = 'domain/leg-match.ts'
const FACTS = 'domain/leg-facts.ts'
const DECISION = 'domain/decision.ts'
const ZONE = 'domain/zone.ts'
const TRAPS = 'test/unit/domain/traps.test.ts'
const AERO_TESTS = 'test/unit/adapters/aeroapi-contract.test.ts'

const DELAY = 'Math.floor((arrivalMs - toMs(insuredScheduledIn)) / MINUTE_MS)'

function trap(
  number: number,
  without: string,
  edits: readonly Edit[],
  file: string = TRAPS,
): BrokenRule {
  return { id: `trap ${number}`, without, edits, noticedBy: { file, name: `trap ${number}:` } }
}

function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace }
}

/** In the order of their numbers. */
export const TRAP_RULES: readonly BrokenRule[] = [
  trap(1, 'takes another route of the number for the leg', [
    edit(
      MATCH,
      'return record.origin === leg.identity.origin && record.destination === leg.identity.destination',
      'return record.origin !== leg.identity.destination',
    ),
  ]),
  trap(2, 'takes the first record of an answer', [
    edit(
      MATCH,
      '  const direct: ProviderLeg[] = []\n  const others',
      '  if (records[0] !== undefined) return matched(records[0], [], null, false)\n' +
        '  const direct: ProviderLeg[] = []\n  const others',
    ),
  ]),
  trap(3, 'goes by dates in UTC', [
    edit(
      MATCH,
      'localDateAt(scheduledOut, leg.originZone) === leg.identity.originLocalDate',
      "localDateAt(scheduledOut, 'UTC') === localDateAt(leg.scheduledOut, 'UTC')",
    ),
  ]),
  trap(4, 'joins the time of arrival on the wall to the scheduled date', [
    edit(
      DECISION,
      DELAY,
      'Math.floor((((arrivalMs - 5 * HOUR_MS) % DAY_MS) - ((toMs(insuredScheduledIn) - 5 * HOUR_MS) % DAY_MS)) / MINUTE_MS)',
    ),
  ]),
  trap(5, 'subtracts clocks and wraps what is beyond twelve hours', [
    edit(
      DECISION,
      DELAY,
      'Math.floor((((arrivalMs - toMs(insuredScheduledIn)) % DAY_MS) + 1.5 * DAY_MS) % DAY_MS / MINUTE_MS) - 720',
    ),
  ]),
  trap(6, 'takes 24:00 for the midnight before', [
    edit(
      ZONE,
      'Date.parse(`${localDateTime}Z`)\n  if',
      "Date.parse(`${localDateTime.replace('T24', 'T00')}Z`)\n  if",
    ),
  ]),
  trap(7, 'takes a time that the clocks skipped for the earlier instant', [
    edit(ZONE, 'real ?? Math.max(before, after)', 'real ?? Math.min(before, after)'),
  ]),
  trap(8, 'reads a night of changing clocks by one offset', [
    edit(
      ZONE,
      'instantFromMs(real ?? Math.max(before, after))',
      'instantFromMs(real ? after : after)',
    ),
  ]),
  trap(9, 'puts the clocks forward in summer everywhere', [
    edit(
      ZONE,
      'return Date.parse(`${wallTime(format, wholeSecondMs)}Z`) - wholeSecondMs',
      'const month = new Date(wholeSecondMs).getUTCMonth()\n' +
        '  const winterMs = Date.UTC(2013, 0, 15)\n' +
        '  const summerMs = month > 2 && month < 10 ? HOUR_MS : 0\n' +
        '  return Date.parse(`${wallTime(format, winterMs)}Z`) - winterMs + summerMs',
    ),
  ]),
  trap(
    10,
    'believes the label of a time',
    [
      edit(
        'adapters/flights/aviationstack-times.ts',
        "if (reading === 'LABELLED') return time.labelled",
        'if (time.labelled !== null) return time.labelled',
      ),
    ],
    'test/unit/adapters/aviationstack-real-legs.test.ts',
  ),
  trap(
    11,
    "carries the provider's own delay",
    [
      edit(
        'adapters/flights/aeroapi-schema.ts',
        '  scheduled_out: time,\n  scheduled_off',
        '  arrival_delay: z.number().nullish(),\n  scheduled_out: time,\n  scheduled_off',
      ),
      edit(
        'adapters/flights/aeroapi-records.ts',
        '    registration: flight.registration,\n',
        '    registration: flight.registration,\n    ...{ arrivalDelay: flight.arrival_delay },\n',
      ),
    ],
    AERO_TESTS,
  ),
  trap(
    12,
    'takes an estimate for an arrival',
    [
      edit(
        'adapters/flights/aeroapi-records.ts',
        'actualIn: flight.actual_in,',
        'actualIn: flight.actual_in ?? flight.estimated_in,',
      ),
    ],
    AERO_TESTS,
  ),
  trap(13, 'takes the record of a code share for the leg', [
    edit(MATCH, 'if (record.carrier !== null && record.carrier !== carrier) return false', ''),
    edit(
      MATCH,
      'if (record.flightNumber === null || record.flightNumber === flightNumber) return true',
      'if (flightNumber.length > 0) return true',
    ),
  ]),
  trap(14, 'does not wait for a diverted flight to go on', [
    edit(
      DECISION,
      'const readyMs = Math.max(\n    coverEndMs(input),\n    toMs(diversion',
      'const readyMs = Math.max(\n    0,\n    toMs(diversion',
    ),
  ]),
  trap(15, 'pays nothing for a flight that left its gate and never came', [
    edit(
      DECISION,
      "neverArrived(product.notReachedBps, 'NOT_REACHED')",
      "neverArrived(0, 'NOT_REACHED')",
    ),
  ]),
  trap(16, 'pays a cancellation when it is reported', [
    edit(DECISION, 'toMs(insuredScheduledIn) + cancelPersistS * SECOND_MS,', '0 * cancelPersistS,'),
  ]),
  trap(17, 'takes silence for a cancellation', [
    edit(
      DECISION,
      "if (toMs(input.now) >= endMs) return review('NO_FINAL_DATA')\n  return notYet(endMs, 'AWAITING_ARRIVAL')",
      "if (toMs(input.now) >= endMs) return neverArrived(input.product.cancelBps, 'CANCELLED')\n" +
        "  return notYet(endMs, 'AWAITING_ARRIVAL')",
    ),
  ]),
  trap(
    18,
    'first looks two hours before departure',
    [
      edit(
        'domain/poll-plan.ts',
        '[FIRST_POLL_BEFORE_OUT_MS, 24.25 * HOUR_MS, 6 * HOUR_MS]',
        '[2 * HOUR_MS]',
      ),
    ],
    'test/unit/domain/poll-plan.test.ts',
  ),
  trap(19, 'gives up at the scheduled arrival', [
    edit(
      DECISION,
      "const endMs = coverEndMs(input)\n  if (toMs(input.now) >= endMs) return review('NO_FINAL_DATA')",
      "const endMs = toMs(input.insuredScheduledIn)\n  if (toMs(input.now) >= endMs) return review('NO_FINAL_DATA')",
    ),
  ]),
  trap(
    20,
    'believes an old snapshot',
    [
      edit(
        FACTS,
        'if (facts.actualOff === null || diversions.length > 0',
        'if (facts.version === 1 || diversions.length > 0',
      ),
      edit(
        FACTS,
        'const actualOff = departing?.actualOff ?? facts.actualOff',
        'const actualOff = departing?.actualOff ?? null',
      ),
    ],
    'test/unit/domain/leg-facts.test.ts',
  ),
  trap(21, 'folds answers in whatever order they come', [
    edit(
      FACTS,
      'if (facts.lastAnswerAt !== null && fetchedAt < facts.lastAnswerAt) {',
      'if (facts.lastAnswerAt !== null && fetchedAt < leg.scheduledOut.slice(0, 1)) {',
    ),
  ]),
  trap(
    22,
    'lets a designator be read as a registration',
    [edit('adapters/flights/aeroapi.ts', "    ident_type: 'designator',\n", '')],
    AERO_TESTS,
  ),
  trap(
    23,
    'asks the status endpoint for whatever is long past',
    [
      edit(
        'adapters/flights/aeroapi.ts',
        "isOld ? '/history/flights' : '/flights'",
        "isOld ? '/flights' : '/flights'",
      ),
    ],
    AERO_TESTS,
  ),
  trap(24, 'needs a carrier in every record', [
    edit(
      MATCH,
      'if (record.carrier !== null && record.carrier !== carrier) return false',
      'if (record.carrier !== carrier) return false',
    ),
  ]),
  trap(25, 'follows the aircraft of a flight that nobody calls diverted', [
    edit(
      MATCH,
      'const isDiverted = split.original?.diverted === true || diversions.length > 0',
      'const isDiverted = split.original !== null || diversions.length > 0',
    ),
  ]),
  trap(26, 'asks once, an hour after the scheduled arrival', [
    edit(
      DECISION,
      'return toMs(insuredScheduledIn) + COVER_AFTER_ARRIVAL_MS',
      'return toMs(insuredScheduledIn) + COVER_AFTER_ARRIVAL_MS / 24',
    ),
  ]),
  trap(27, 'measures the delay against the timetable of the day', [
    edit(
      DECISION,
      'const delayMin = delayOf(valueMs, insuredScheduledIn)\n  const isEdge',
      'const delayMin = delayOf(valueMs, facts.scheduledIn ?? insuredScheduledIn)\n  const isEdge',
    ),
  ]),
  trap(
    28,
    'expires what it read before it waited for a payout being made',
    [
      edit(
        'db/stores/expiry-store.ts',
        '            select from payout o where o.policy_id = p.id and o.state <>',
        '            select from payout o where o.policy_id is null and o.state <>',
      ),
    ],
    'test/db/expire-policies.test.ts',
  ),
]
