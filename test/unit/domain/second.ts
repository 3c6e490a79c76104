/** Answers of a second source about the reference leg, and what is decided with them. */
import { decideBySources } from '../../../domain/decide-by-sources.ts'
import type { Decision } from '../../../domain/decision.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import type { Product } from '../../../domain/product.ts'
import { foldSecondAnswer, secondNeverAsked, secondSilent } from '../../../domain/second-source.ts'
import type { SecondFacts } from '../../../domain/second-source.ts'
import { toMs, type Instant } from '../../../domain/time.ts'
import { arrivalPlus, arrived, factsAfter, LEG, product, type Answer } from './legs.ts'

/** Null: asked, and no answer. */
export type SecondAnswer = readonly [fetchedAt: Instant, records: readonly ProviderLeg[] | null]

/** The second source's facts after these answers. */
export function secondAfter(answers: readonly SecondAnswer[]): SecondFacts {
  return answers.reduce<SecondFacts>(
    (second, [at, records]) =>
      records === null
        ? secondSilent(second, at)
        : foldSecondAnswer(second, LEG, records, at).second,
    secondNeverAsked('aviationstack'),
  )
}

/** As the second source shows an arrival: of unknown quality, without ids. */
export function second(delayMin: number, said: Partial<ProviderLeg> = {}): ProviderLeg {
  return arrived(delayMin, { providerFlightId: null, arrivalQuality: 'UNKNOWN', ...said })
}

/** What is decided over, at the moment of the last answer. */
export function inputOf(
  first: readonly Answer[],
  answers: readonly SecondAnswer[],
  rules: Product = product('FD45'),
) {
  const moments = [...first, ...answers].map(([at]) => at)
  const now = moments.toSorted((a, b) => toMs(a) - toMs(b)).at(-1) ?? LEG.scheduledIn
  const facts = factsAfter(first)
  const insuredScheduledIn = LEG.scheduledIn
  return { leg: LEG, facts, second: secondAfter(answers), insuredScheduledIn, product: rules, now }
}

/** The decision after these answers. */
export function decided(first: readonly Answer[], answers: readonly SecondAnswer[]): Decision {
  return decideBySources(inputOf(first, answers))
}

/** The same records at each of these moments, minutes after the scheduled arrival. */
export function secondAt(minutes: readonly number[], records: readonly ProviderLeg[] | null) {
  return minutes.map((minute): SecondAnswer => [arrivalPlus(minute), records])
}
