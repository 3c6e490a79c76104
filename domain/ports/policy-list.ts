/** The book of policies as a list, for people who look for some of them. */
import type { Instant, LocalDate } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Which policies; what is left out does not matter. */
export type PolicyFilter = {
  readonly state?: string | undefined
  readonly product?: string | undefined
  /** `NONE` is undecided. */
  readonly outcome?: 'PAY' | 'NO_PAY' | 'NONE' | undefined
  readonly legKey?: string | undefined
  /** On the wall of the origin. */
  readonly departureDate?: LocalDate | undefined
  /** Whose they are. */
  readonly tenant?: string | undefined
}

/** One policy of a list. */
export type ListedPolicy = {
  readonly policyNumber: string
  readonly tenant: string
  readonly product: { readonly code: string; readonly version: number }
  readonly state: string
  readonly outcome: 'PAY' | 'NO_PAY' | null
  readonly legKey: string
  readonly departureDate: LocalDate
  readonly insuredScheduledIn: Instant
  readonly sumInsuredMinor: number
  /** What is paid; null until decided. */
  readonly amountMinor: number | null
  readonly currency: string
  readonly decidedAt: Instant | null
}

/** Lists policies. */
export interface PolicyList {
  /** By policy number. Throws PageCursorError. */
  list(filter: PolicyFilter, page: PageRequest): Promise<Page<ListedPolicy>>
}
