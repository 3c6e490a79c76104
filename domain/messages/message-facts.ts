/** What a message to a holder is written from, and what comes of it. Words are in `words-*.ts`. */
import { lastAppealDay, type ToldAppeal } from '../explain-appeal.ts'
import { explainDecision, type Endorsement, type ExplainInput } from '../explain-decision.ts'
import type { AppliedRule } from '../explain-rule.ts'
import type { Money } from '../money.ts'
import type { HolderTemplate } from '../notification.ts'
import type { LocalDate, Instant } from '../time.ts'

/** Everything that words may be about. Plain values: the same facts give the same words. */
export type MessageFacts = {
  readonly policyNumber: string
  /** How the holder is greeted; null greets without a name. */
  readonly displayName: string | null
  readonly flight: {
    /** As sold, or the operating one: `B6 35`. */
    readonly ident: string
    readonly origin: string
    readonly destination: string
    readonly departureDate: LocalDate
    /** IANA. */
    readonly originZone: string
    readonly destinationZone: string
  }
  readonly insuredArrival: Instant
  /** The newest change of the timetable that changed what is insured; null without one. */
  readonly endorsement: Endorsement | null
  /** The premium that goes back to a holder who cancelled; null when there is none. */
  readonly refund: Money | null
  readonly coverEnd: Instant
  readonly sumInsured: Money
  readonly actualArrival: {
    readonly at: Instant
    readonly kind: 'GATE' | 'TOUCH_DOWN'
  } | null
  readonly delayMin: number | null
  readonly rule: AppliedRule | null
  /** What was decided to be paid; null while nothing is. */
  readonly amount: Money | null
  readonly paidAt: Instant | null
  /** Names of the providers whose answers the decision rests on. */
  readonly sources: readonly string[]
  readonly decisionReference: string | null
  /** The last day on which an appeal is taken; null while nothing is decided. */
  readonly lastAppealDay: Instant | null
  /** The appeal that is told of; null without one. */
  readonly appeal: ToldAppeal | null
}

/** The words of one message. */
export type MessageWords = {
  readonly subject: string
  /** One sentence for a phone's screen; it names the policy. */
  readonly short: string
  /** From the greeting to the farewell. */
  readonly paragraphs: readonly string[]
}

/** The words of a language: one function for each template and version in use. */
export type Words = Readonly<Record<HolderTemplate, (facts: MessageFacts) => MessageWords>>

/** The payout that a message tells of. */
export type ToldPayout = { readonly amount: Money; readonly paidAt: Instant | null }

/** The facts of a policy, and of the payout that is told of, if one is. */
export function messageFacts(
  input: ExplainInput,
  told: {
    readonly payout: ToldPayout | null
    readonly appeal: ToldAppeal | null
    readonly displayName: string | null
  },
): MessageFacts {
  const explained = explainDecision(input)
  const { actualArrival, delayMin, rule, sources, flight } = explained
  return {
    policyNumber: input.policyNumber,
    displayName: told.displayName,
    flight: {
      ident: flight.marketingIdent ?? flight.operatingIdent,
      origin: flight.origin,
      destination: flight.destination,
      departureDate: input.leg.identity.originLocalDate,
      originZone: input.leg.originZone,
      destinationZone: input.leg.destinationZone,
    },
    insuredArrival: input.insuredScheduledIn,
    endorsement: input.endorsement,
    refund: input.refund,
    coverEnd: input.coverEnd,
    sumInsured: input.sumInsured,
    actualArrival:
      actualArrival === null ? null : { at: actualArrival.utc, kind: actualArrival.kind },
    delayMin,
    rule,
    amount: told.payout?.amount ?? told.appeal?.more ?? input.decision?.amount ?? null,
    paidAt: told.payout?.paidAt ?? null,
    sources,
    decisionReference: input.evaluation?.evaluationId ?? null,
    lastAppealDay: lastAppealDay(input),
    appeal: told.appeal,
  }
}
