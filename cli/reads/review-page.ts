/** `groundstop reviews show`: a case on one page of text. */
import type { ReviewPage, TimelineEntry } from '../../domain/explain-review.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'

/** The page as lines. */
export function reviewPageLines(page: ReviewPage): string[] {
  return [
    ...headLines(page),
    ...legLines(page),
    ...page.groups.flatMap(groupLines),
    '',
    'what was done',
    ...tableLines(
      ['at, UTC', 'who', 'what', 'why'],
      page.history.map(({ at, actor, action, reason }) => [timeText(at), actor, action, reason]),
    ),
  ]
}

function headLines(page: ReviewPage): string[] {
  const { subject, payout, proposal } = page
  return fieldLines([
    ['case', page.caseId],
    ['about', `${subject.kind} ${subject.name ?? subject.id}`],
    ['reason', page.reason],
    ['state', page.state],
    ['opened, UTC', timeText(page.openedAt)],
    ['due, UTC', timeText(page.dueAt)],
    ['claimed by', page.assignee],
    ['waits until, UTC', timeText(page.waitUntil)],
    ['proposed', proposal === null ? null : `${proposal.decision.outcome} by ${proposal.by}`],
    ['resolution', page.resolution],
    ['resolved by', page.resolvedBy],
    ['possible now', page.possible.join(', ')],
    ['payout', payout === null ? null : `${payout.payoutId} is ${payout.state}`],
    ['details', JSON.stringify(page.details)],
  ])
}

function legLines({ leg }: ReviewPage): string[] {
  if (leg === null) return []
  const { insured, present } = leg
  const arrival = leg.isTouchDownOnly ? 'touched down (no gate time)' : 'arrived at the gate'
  return [
    '',
    ...fieldLines([
      ['leg', `${leg.legKey} (${leg.phase})`],
      ['insured departure', insured.out.text],
      ['insured arrival', insured.in.text],
      ['present departure', present.out?.text ?? null],
      ['present arrival', present.in?.text ?? null],
      [arrival, leg.arrival?.text ?? null],
    ]),
    ...leg.timeline.flatMap(({ provider, entries }) => [
      '',
      `what ${provider} said`,
      ...entries.flatMap(entryLines),
    ]),
  ]
}

function entryLines(entry: TimelineEntry): string[] {
  const flags = entry.flags.length === 0 ? '' : ` [${entry.flags.join(', ')}]`
  const seen = `seen ${entry.seenCount} times from ${entry.firstSeen.text} to ${entry.lastSeen.text}`
  return [
    `  ${seen}${flags}`,
    ...(entry.records.length === 0 ? ['    no record of the flight'] : []),
    ...entry.records.flatMap((record) => [
      `    ${record.flight}${record.isCancelled ? ' CANCELLED' : ''}${record.isDiverted ? ' DIVERTED' : ''}`,
      ...record.times.map(({ what, time }) => `      ${what.padEnd(13)} ${time.text}`),
    ]),
  ]
}

function groupLines(group: ReviewPage['groups'][number]): string[] {
  const { product, policies, currency, delayMin, rules, outcomes } = group
  return [
    '',
    `${product.code} version ${product.version}: ${policies} policies in ${currency}`,
    ...fieldLines([
      ['insured arrival', group.insuredArrival.text],
      ['delay as computed', delayMin === null ? 'no arrival is known' : `${delayMin} minutes`],
      ['rules', rules.join('; ')],
    ]),
    ...tableLines(
      ['outcome', 'share, bps', 'pays'],
      outcomes.map(({ outcome, bps, text }) => [outcome, bps, text]),
    ),
  ]
}
