/** `groundstop legs list|show` and `groundstop polls explain`. */
import type { Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { explainPolls, type PollExplanation } from '../../domain/explain-polls.ts'
import type { LegDetails, ListedLeg, ShownLook } from '../../domain/ports/leg-reads.ts'
import { parseLocalDate, type LocalDate } from '../../domain/time.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import type { CliContext } from '../context.ts'
import { moneyText } from '../screen/lines.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { iataCode, searchText } from '../text-arguments.ts'
import { dateArgument } from './date-argument.ts'
import { addPageOptions, addReadOptions, pageLines, printRead } from './reading.ts'
import type { PageFlags, ReadFlags } from './reading.ts'

type ListFlags = PageFlags & {
  readonly departure?: LocalDate
  readonly carrier?: string
  readonly origin?: string
  readonly destination?: string
  readonly phase?: string
  readonly watched?: true
}

const KEY_HELP = "carrier|number|origin|destination|date, as 'B6|35|JFK|PBI|2013-03-09'"

/** Adds `list` and `show`. */
export function addLegReads(legs: Command, context: CliContext): void {
  addPageOptions(legs.command('list'))
    .description('list the legs of the book by departure date')
    .option('--departure <date>', 'only this date at the origin', dateArgument(parseLocalDate))
    .option('--carrier <code>', 'as B6', searchText(64))
    .option('--origin <airport>', 'as JFK', iataCode)
    .option('--destination <airport>', 'as BOS', iataCode)
    .option('--phase <phase>', 'as SETTLED', searchText(64))
    .option('--watched', 'only legs with undecided policies')
    .action((flags: ListFlags) => {
      const { departure, carrier, origin, destination, phase, watched } = flags
      const places = { departureDate: departure, carrier, origin, destination }
      return printRead(context, flags, {
        what: 'leg',
        from: ({ reads }) => reads.legs.list({ ...places, phase, isWatched: watched }, flags),
        lines: (page) => pageLines(page, listLines),
      })
    })
  addReadOptions(legs.command('show'))
    .description('print one leg with its evidence, evaluations, policies and exposure')
    .argument('<key>', KEY_HELP)
    .action((key: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `leg ${key}`,
        from: ({ reads }) => reads.legs.find(key),
        lines: showLines,
      }),
    )
}

/** Adds `explain`. */
export function addPollReads(polls: Command, context: CliContext): void {
  addReadOptions(polls.command('explain'))
    .description('say when a leg is polled next and why then')
    .argument('<key>', KEY_HELP)
    .action((key: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `leg ${key}`,
        from: async ({ reads, db }) => {
          const leg = await reads.legs.find(key)
          const now = await createVirtualClock(createClockStore(db)).now()
          return leg === null ? null : explainPolls(leg, now)
        },
        lines: pollLines,
      }),
    )
}

function listLines(items: readonly ListedLeg[]): string[] {
  return tableLines(
    ['leg', 'phase', 'departure, UTC', 'arrival, UTC', 'undecided', 'next poll', 'why'],
    items.map((leg) => [
      leg.legKey,
      leg.phase,
      timeText(leg.scheduledOut),
      timeText(leg.scheduledIn),
      leg.undecidedPolicies,
      timeText(leg.nextPollAt),
      leg.pollReason,
    ]),
  )
}

function lookText({ finding, firstSeenAt, lastSeenAt, seenCount }: ShownLook): string {
  return `${finding} since ${timeText(firstSeenAt)}, last ${timeText(lastSeenAt)}, ${seenCount} times`
}

function showLines(leg: LegDetails): string[] {
  const { polls, facts, timetable } = leg
  const exposure = leg.exposure.map((held) => moneyText(held.sumInsuredMinor, held.currency))
  return [
    ...fieldLines([
      ['leg', leg.legKey],
      ['phase', leg.phase],
      ['scheduled departure', `${timeText(leg.scheduledOut)} UTC (${leg.originZone})`],
      ['scheduled arrival', `${timeText(leg.scheduledIn)} UTC (${leg.destinationZone})`],
      ['left the gate', timeText(facts?.actualOut ?? null)],
      ['touched down', timeText(facts?.landing?.value ?? null)],
      ['at the gate', timeText(facts?.arrival?.value ?? null)],
      ['cancelled since', timeText(facts?.cancelled?.firstSeenAt ?? null)],
      ['diverted since', timeText(facts?.diversion?.firstSeenAt ?? null)],
      ['policies', `${leg.policies}, ${leg.undecidedPolicies} watched`],
      ['exposure', exposure.join(', ')],
      ['next poll', timeText(polls.nextPollAt)],
      ['why', polls.reason],
      ['next look at the timetable', timeText(timetable.nextLookAt)],
      ['in the timetable', timetable.looks[0] === undefined ? null : lookText(timetable.looks[0])],
    ]),
    '',
    ...tableLines(
      ['observation', 'provider', 'first seen', 'last seen', 'times', 'flags'],
      leg.observations.map((seen) => [
        seen.observationId,
        seen.provider,
        timeText(seen.firstSeenAt),
        timeText(seen.lastSeenAt),
        seen.seenCount,
        seen.flags.join(', '),
      ]),
    ),
    '',
    ...tableLines(
      ['evaluated', 'product', 'outcome', 'delay', 'basis points', 'reasons'],
      leg.evaluations.map((evaluation) => [
        timeText(evaluation.evaluatedAt),
        evaluation.product.code,
        evaluation.outcome,
        evaluation.delayMin,
        evaluation.bps,
        evaluation.reasons.join(', '),
      ]),
    ),
    ...leg.coverageIncidents.map(
      ({ phase, gapS, openedAt, closedAt }) =>
        `not polled for ${gapS} s (${phase}), noticed ${timeText(openedAt)}, ` +
        (closedAt === null ? 'still open' : `until ${timeText(closedAt)}`),
    ),
  ]
}

function pollLines(polls: PollExplanation): string[] {
  return [
    ...fieldLines([
      ['leg', `${polls.legKey} (${polls.legPhase})`],
      ['now', timeText(polls.now)],
      ['next poll', polls.text],
      ['poll phase', polls.phase],
      ['greatest gap, s', polls.greatestGapS],
      ['without answer, s', polls.silentS],
      ['last poll', timeText(polls.lastPolledAt)],
      ['last answer', timeText(polls.lastAnsweredAt)],
    ]),
    '',
    ...tableLines(
      ['provider', 'first seen', 'last seen', 'times', 'flags'],
      polls.lastAnswers.map((answer) => [
        answer.provider,
        timeText(answer.firstSeenAt),
        timeText(answer.lastSeenAt),
        answer.seenCount,
        answer.flags.join(', '),
      ]),
    ),
  ]
}
