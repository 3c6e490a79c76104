/**
 * The life of a reservation: money set aside for one policy until it is owed or no longer needed.
 */

/** The states of a reservation; ESCROW_TRANSITIONS says which follow which. */
export type EscrowState = 'RESERVED' | 'FULFILLED' | 'RELEASED'

/**
 * The only legal moves. Both ends are final: what is owed beyond a fulfilled reservation comes from the
 * pool, never from a reservation opened again.
 */
export const ESCROW_TRANSITIONS: Readonly<Record<EscrowState, readonly EscrowState[]>> = {
  RESERVED: ['FULFILLED', 'RELEASED'],
  FULFILLED: [],
  RELEASED: [],
}
