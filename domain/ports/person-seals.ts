/** Closes texts about a person with their own key, so that erasing them makes every copy say nothing. */

/** A text that does not open: changed, or moved from another place. Never retried. */
export class PersonSealError extends Error {
  override readonly name = 'PersonSealError'
}

/** Closes and opens. Both throw KeyRingError when the ring lacks the key that closes the person's. */
export interface PersonSeals {
  /** Closed for one place, as `export|<request>`; who has no key gets one. */
  seal(holderRef: string, place: string, text: string): Promise<Uint8Array>
  /** Null: the person's key is gone. Throws PersonSealError. */
  open(holderRef: string, place: string, sealed: Uint8Array): Promise<string | null>
}
