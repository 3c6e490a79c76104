/** What a route promises: who may call it, what it takes and what it answers. Checked by its tests. */
import { z } from 'zod'

import { NOTE_LIMIT, NOTE_TEXT } from '../domain/plain-text.ts'
import type { Permission } from './roles.ts'

/** What one method of a route promises. */
export type Contract = {
  /** One line, as the title of the operation. */
  readonly summary: string
  /** Who may call it; `open` to everybody. */
  readonly permission: Permission | 'open'
  /**
   * Whether callers of a tenant may call it, for what is theirs; a test asks each with what is another's.
   * The house's alone when left out.
   */
  readonly isForTenants?: boolean
  /** The schema that the query is checked with; left out: any query is passed over. */
  readonly query?: z.ZodObject
  /** The schema that the body is checked with. */
  readonly body?: z.ZodType
  /** Content types of the body; `application/json` when left out. */
  readonly bodyTypes?: readonly string[]
  /** The body's limit in bytes, where it is another than that of most routes. */
  readonly bodyLimitBytes?: number
  /** Whether the header Idempotency-Key is heeded. */
  readonly isKeyed?: boolean
  /** Answers by status, errors aside: those are problem documents. Null: not JSON. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
}

/** Whether callers of a tenant may call the route; a method without a contract is the house's. */
export function isForTenants(contract: Contract | null): boolean {
  return contract?.permission === 'open' || contract?.isForTenants === true
}

/** A text of a note: whole words of people, without blanks around. */
export const noteText: z.ZodString = z
  .string(`1 to ${NOTE_LIMIT} characters`)
  .regex(NOTE_TEXT, 'text without control characters')
  .trim()
  .min(1)
  .max(NOTE_LIMIT)

/** Whether the body says who acts. */
export function namesActor({ body }: Contract): boolean {
  return body instanceof z.ZodObject && Object.hasOwn(body.shape, 'by')
}
