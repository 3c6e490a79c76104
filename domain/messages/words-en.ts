/** Messages to holders in English. */
import { dateIn, calendarDateIn, moneyIn, timeIn } from './locale-format.ts'
import type { MessageFacts, MessageWords, Words } from './message-facts.ts'
import type { Instant } from '../time.ts'

/** English words, version 1 of every template. */
export const WORDS_EN: Words = {
  'policy-bound': (facts) =>
    letter(facts, {
      subject: `Your cover for flight ${facts.flight.ident}: policy ${facts.policyNumber}`,
      short: `Policy ${facts.policyNumber} covers ${flightText(facts)}.`,
      paragraphs: [
        `Your flight is covered. Policy ${facts.policyNumber} insures ${flightText(facts)} for up to ` +
          `${moneyIn('en', facts.sumInsured)}.`,
        `The insured arrival is ${momentAt(facts, facts.insuredArrival)}. It stays the measure, also ` +
          `when the airline changes its timetable later.`,
        'You need to do nothing: we watch the flight ourselves, and when it is late enough, cancelled ' +
          'or does not reach its destination, we pay without a claim form.',
      ],
    }),
  'policy-cancelled': (facts) =>
    letter(facts, {
      subject: `Policy ${facts.policyNumber} is cancelled`,
      short: `Policy ${facts.policyNumber} is cancelled as you asked; there is no cover any more.`,
      paragraphs: [
        `Policy ${facts.policyNumber} for ${flightText(facts)} is cancelled, as you asked. There is no ` +
          'cover for this flight any more.',
        'If you did not ask for this, write to us at once at the address on your policy.',
      ],
    }),
  'policy-endorsed': (facts) => {
    const { endorsement } = facts
    return letter(facts, {
      subject: `Policy ${facts.policyNumber}: flight ${facts.flight.ident} has a new timetable`,
      short:
        `Policy ${facts.policyNumber} now insures the arrival on ` +
        `${momentAt(facts, facts.insuredArrival)}: the airline changed its timetable.`,
      paragraphs: [
        `The airline changed the timetable of ${flightText(facts)} a day or more before departure, so ` +
          'your policy moves with it. You need to do nothing.',
        ...(endorsement === null
          ? []
          : [
              `Departure: ${departureAt(facts, endorsement.newScheduledOut)}, instead of ` +
                `${departureAt(facts, endorsement.oldScheduledOut)}.`,
              `Insured arrival: ${momentAt(facts, endorsement.newScheduledIn)}, instead of ` +
                `${momentAt(facts, endorsement.oldScheduledIn)}. A delay is counted from the new arrival; ` +
                'a change that is announced less than a day before departure does not move it again, and ' +
                'counts as a delay.',
            ]),
        ...(endorsement?.isRefundOffered === true
          ? [
              'Since you bought the policy the timetable has moved by more than an hour. If the flight no longer suits you, you may cancel ' +
                'the policy until departure, and your whole premium goes back.',
            ]
          : []),
      ],
    })
  },
  'policy-in-review': (facts) =>
    letter(facts, {
      subject: `We are still looking at policy ${facts.policyNumber}`,
      short: `Policy ${facts.policyNumber}: a person is looking at your flight. You need to do nothing.`,
      paragraphs: [
        `Policy ${facts.policyNumber} for ${flightText(facts)} is not decided yet. The reports about ` +
          'the flight, or the payment, could not be settled by themselves, so a person is looking at them.',
        'You need to do nothing. If you have a boarding pass or a statement of the airline about the ' +
          'delay, you may send it to us; it can help.',
      ],
    }),
  'policy-not-paid': (facts) => notPaid(facts, appealText(facts)),
  'payout-paid': (facts) =>
    letter(facts, {
      subject: `You have been paid ${amountText(facts)}`,
      short: `You have been paid ${amountText(facts)} under policy ${facts.policyNumber}.`,
      paragraphs: [
        `You have been paid ${amountText(facts)} under policy ${facts.policyNumber} for ` +
          `${flightText(facts)}. The money went to the account that you named` +
          `${facts.paidAt === null ? '' : ` on ${dateIn('en', facts.paidAt, 'UTC')}`}; your bank may ` +
          'take some days to show it.',
        ...arrivalText(facts),
        ...(facts.rule === null ? [] : [facts.rule.text]),
        AIRLINE,
      ],
    }),
  'payout-returned': (facts) =>
    letter(facts, {
      subject: `Your payment for policy ${facts.policyNumber} came back`,
      short: `The payment for policy ${facts.policyNumber} came back to us. Please check your account.`,
      paragraphs: [
        `We paid you ${amountText(facts)} under policy ${facts.policyNumber}, and your bank sent the ` +
          'money back. It is still yours.',
        'Please check the account that you gave us and write to us at the address on your policy if it ' +
          'has changed. We pay again as soon as the account is right.',
      ],
    }),
  'appeal-received': (facts) =>
    letter(facts, {
      subject: `Your appeal about policy ${facts.policyNumber} has arrived`,
      short: `Your appeal about policy ${facts.policyNumber} has arrived. A person looks at it again.`,
      paragraphs: [
        `Your appeal${appealedOn(facts)} about policy ${facts.policyNumber} for ${flightText(facts)} has ` +
          'arrived. A person now looks at the evidence again, and we tell you how it ends and why.',
        'Until then what was decided stands. What you have been paid stays yours, whatever comes of it.',
      ],
    }),
  'appeal-stands': (facts) =>
    letter(facts, {
      subject: `Your appeal about policy ${facts.policyNumber}: the decision stands`,
      short: `Policy ${facts.policyNumber}: after your appeal the decision stands. The reason is in our letter.`,
      paragraphs: [
        `After your appeal${appealedOn(facts)} a person looked again at policy ${facts.policyNumber} for ` +
          `${flightText(facts)}. The decision stands, and nothing more is paid.`,
        ...groundsText(facts),
        openAgainText(facts),
      ],
    }),
  'appeal-upheld': (facts) =>
    letter(facts, {
      subject: `Your appeal about policy ${facts.policyNumber}: we pay ${amountText(facts)} more`,
      short: `Policy ${facts.policyNumber}: after your appeal we pay ${amountText(facts)} more.`,
      paragraphs: [
        `After your appeal${appealedOn(facts)} a person looked again at policy ${facts.policyNumber} for ` +
          `${flightText(facts)}. We pay you ${amountText(facts)} more; when the payment is made we write to ` +
          'you again.',
        ...groundsText(facts),
      ],
    }),
}

/** Version 2 where the words changed: a new timetable, the refund, until when a denial may be appealed. */
export const WORDS_EN_2: Words = {
  ...WORDS_EN,
  'policy-not-paid': (facts) => notPaid(facts, appealUntilText(facts)),
  'policy-bound': (facts) =>
    letter(facts, {
      subject: `Your cover for flight ${facts.flight.ident}: policy ${facts.policyNumber}`,
      short: `Policy ${facts.policyNumber} covers ${flightText(facts)}.`,
      paragraphs: [
        `Your flight is covered. Policy ${facts.policyNumber} insures ${flightText(facts)} for up to ` +
          `${moneyIn('en', facts.sumInsured)}.`,
        `The insured arrival is ${momentAt(facts, facts.insuredArrival)}. If the airline announces another ` +
          'timetable a day or more before departure, we insure that one and tell you; a later change is ' +
          'a delay, and the insured arrival stays.',
        'You need to do nothing: we watch the flight ourselves, and when it is late enough, cancelled ' +
          'or does not reach its destination, we pay without a claim form.',
      ],
    }),
  'policy-cancelled': (facts) =>
    letter(facts, {
      subject: `Policy ${facts.policyNumber} is cancelled`,
      short: `Policy ${facts.policyNumber} is cancelled as you asked; there is no cover any more.`,
      paragraphs: [
        `Policy ${facts.policyNumber} for ${flightText(facts)} is cancelled, as you asked. There is no ` +
          'cover for this flight any more.',
        ...(facts.refund === null
          ? []
          : [
              `Your whole premium of ${moneyIn('en', facts.refund)} goes back to where you bought the ` +
                'policy, and from there to you.',
            ]),
        'If you did not ask for this, write to us at once at the address on your policy.',
      ],
    }),
}

/** A reasoned denial: schedule, arrival, source, rule, and how to appeal. */
function notPaid(facts: MessageFacts, appeal: string): MessageWords {
  return letter(facts, {
    subject: `Policy ${facts.policyNumber} does not pay for flight ${facts.flight.ident}`,
    short:
      `Policy ${facts.policyNumber} does not pay for flight ${facts.flight.ident}. ` +
      'The reasons are in our letter; you may appeal.',
    paragraphs: [
      `Policy ${facts.policyNumber} does not pay for ${flightText(facts)}. Here is why.`,
      `Schedule: the insured arrival was ${momentAt(facts, facts.insuredArrival)}.`,
      ...arrivalText(facts),
      ...sourceText(facts),
      ...(facts.rule === null ? [] : [`Rule: ${facts.rule.text}`]),
      appeal,
      AIRLINE,
    ],
  })
}

const AIRLINE =
  'This cover is separate from anything the airline owes you. You may also have a right to a refund ' +
  'or to compensation from the airline, for example under Regulation (EC) 261/2004 or under the ' +
  'refund rules of the US Department of Transportation; ask the airline for that.'

function letter(facts: MessageFacts, words: MessageWords): MessageWords {
  const greeting = facts.displayName === null ? 'Hello,' : `Dear ${facts.displayName},`
  return { ...words, paragraphs: [greeting, ...words.paragraphs, 'Your insurer'] }
}

function flightText({ flight }: MessageFacts): string {
  const date = calendarDateIn('en', flight.departureDate)
  return `flight ${flight.ident} from ${flight.origin} to ${flight.destination} on ${date}`
}

function momentAt({ flight }: MessageFacts, instant: Instant): string {
  const zone = flight.destinationZone
  return `${dateIn('en', instant, zone)}, ${timeIn('en', instant, zone)} local time at ${flight.destination}`
}

function departureAt({ flight }: MessageFacts, instant: Instant): string {
  const zone = flight.originZone
  return `${dateIn('en', instant, zone)}, ${timeIn('en', instant, zone)} local time at ${flight.origin}`
}

function amountText({ amount }: MessageFacts): string {
  return amount === null ? 'the amount due' : moneyIn('en', amount)
}

function arrivalText(facts: MessageFacts): string[] {
  const { actualArrival, delayMin } = facts
  if (actualArrival === null || delayMin === null) {
    return ['Arrival: no arrival at the insured destination was reported.']
  }
  const what =
    actualArrival.kind === 'GATE'
      ? 'the flight arrived at the gate on'
      : 'an arrival at the gate was never reported; the flight touched down on'
  return [`Arrival: ${what} ${momentAt(facts, actualArrival.at)}, ${delayText(delayMin)}.`]
}

function delayText(delayMin: number): string {
  if (delayMin === 0) return 'on time'
  const minutes = Math.abs(delayMin)
  return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${delayMin > 0 ? 'late' : 'early'}`
}

function sourceText({ sources }: MessageFacts): string[] {
  return sources.length === 0 ? [] : [`Source: flight data of ${sources.join(' and ')}.`]
}

function appealText({ policyNumber, decisionReference }: MessageFacts): string {
  const reference =
    decisionReference === null ? '' : ` and the decision reference ${decisionReference}`
  return (
    `Appeal: if you think this is wrong, write to us at the address on your policy, with the policy ` +
    `number ${policyNumber}${reference}, and add what you have: a boarding pass, or a statement of ` +
    'the airline or the airport. A person then looks at it again. If you still disagree, you can turn ' +
    'to the insurance supervisor or ombudsman of your country.'
  )
}

function appealUntilText({ policyNumber, decisionReference, lastAppealDay }: MessageFacts): string {
  const reference =
    decisionReference === null ? '' : ` and the decision reference ${decisionReference}`
  const until =
    lastAppealDay === null ? '' : ` until the end of ${dateIn('en', lastAppealDay, 'UTC')} (UTC)`
  return (
    `Appeal: if you think this is wrong, you may appeal${until}: write to us at the address on your ` +
    `policy, with the policy number ${policyNumber}${reference}, and add what you have: a boarding pass, ` +
    'or a statement of the airline or the airport. We confirm that your appeal has arrived, a person ' +
    'looks at it again, and we tell you how it ends and why. If you still disagree, you can turn to the ' +
    'insurance supervisor or ombudsman of your country.'
  )
}

function appealedOn({ appeal }: MessageFacts): string {
  return appeal === null ? '' : ` of ${dateIn('en', appeal.filedAt, 'UTC')}`
}

function groundsText({ appeal }: MessageFacts): string[] {
  return appeal === null || appeal.grounds === null ? [] : [`The reason: ${appeal.grounds}`]
}

function openAgainText({ lastAppealDay, appeal }: MessageFacts): string {
  const isOver = lastAppealDay === null || (appeal?.decidedAt ?? lastAppealDay) >= lastAppealDay
  const again = isOver
    ? ''
    : 'If you have new evidence, you may appeal again until the end of ' +
      `${dateIn('en', lastAppealDay, 'UTC')} (UTC). `
  return (
    `${again}If you still disagree, you can turn to the insurance supervisor or ombudsman of your ` +
    'country.'
  )
}
