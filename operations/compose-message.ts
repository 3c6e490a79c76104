/** Writes the message of a notification from the book as it is now, if what it tells is still true. */
import { openAppealOf, type ToldAppeal } from '../domain/explain-appeal.ts'
import type { ExplainInput } from '../domain/explain-decision.ts'
import { messageFacts } from '../domain/messages/message-facts.ts'
import {
  renderHolderMessage,
  renderOperatorNotice,
  type RenderedMessage,
} from '../domain/messages/render.ts'
import type { HolderTemplate } from '../domain/notification.ts'
import type { ExplanationSource } from '../domain/ports/explanation-source.ts'
import type { DueMessage } from '../domain/ports/notification-store.ts'

/** What composing reads. */
export type ComposeDeps = { readonly explanations: ExplanationSource }

/** A message with its facts for machines; neither names a person. */
export type ComposedMessage = RenderedMessage & {
  readonly data: Readonly<Record<string, string | number | null>>
}

/**
 * The message, or null when it is not true any more: a payment that came back is not told as paid.
 * Throws UnknownTemplateError when there are no words for its version.
 */
export async function composeMessage(
  { explanations }: ComposeDeps,
  message: DueMessage,
): Promise<ComposedMessage | null> {
  const { template, version, locale, policyNumber, displayName, payout, notice } = message
  if (notice !== null) {
    const { severity, subject } = notice
    return { ...renderOperatorNotice(notice), data: { event: template, severity, subject } }
  }
  if (template === 'operator-notice' || policyNumber === null) return null
  const input = await explanations.read(policyNumber)
  if (input === null || !isTrue(template, input, payout)) return null
  const appeal = toldAppeal(template, input)
  const facts = messageFacts(input, { payout, appeal, displayName })
  const rendered = renderHolderMessage({ template, version }, locale, facts)
  const { amount } = facts
  return {
    ...rendered,
    data: {
      event: template,
      policyNumber,
      flight: facts.flight.ident,
      amountMinor: amount?.minor ?? null,
      currency: amount?.currency ?? null,
    },
  }
}

/** "You have been paid" is said only of a payout that is PAID, and so for every other message. */
function isTrue(
  template: HolderTemplate,
  input: ExplainInput,
  payout: DueMessage['payout'],
): boolean {
  const { state, decision, endorsement, appeals } = input
  const isAppealed = openAppealOf(appeals) !== null
  switch (template) {
    case 'policy-bound':
      return state !== 'CANCELLED_BY_HOLDER' && state !== 'DECLINED'
    case 'policy-cancelled':
      return state === 'CANCELLED_BY_HOLDER'
    case 'policy-endorsed':
      // Once the flight is decided, the explanation of that tells it.
      return endorsement !== null && decision === null && isLive(state)
    case 'policy-in-review':
      return state === 'IN_REVIEW' && !isAppealed
    case 'policy-not-paid':
      return decision?.outcome === 'NO_PAY' && (state !== 'IN_REVIEW' || isAppealed)
    case 'payout-paid':
      return payout?.state === 'PAID'
    case 'payout-returned':
      return payout !== null && payout.state !== 'PAID' && payout.state !== 'IN_TRANSIT'
    case 'appeal-received':
    case 'appeal-stands':
    case 'appeal-upheld':
      return toldAppeal(template, input) !== null
  }
}

/** The newest appeal that a message about appeals can mean; null when there is none, or it is told otherwise. */
function toldAppeal(template: HolderTemplate, { appeals }: ExplainInput): ToldAppeal | null {
  switch (template) {
    case 'appeal-received':
      return openAppealOf(appeals)
    case 'appeal-stands':
      return appeals.findLast(({ result }) => result === 'STANDS') ?? null
    case 'appeal-upheld':
      return appeals.findLast(({ result }) => result === 'UPHELD') ?? null
    default:
      return null
  }
}

function isLive(state: ExplainInput['state']): boolean {
  return state === 'BOUND' || state === 'MONITORING'
}
