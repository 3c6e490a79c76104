/** A service that keeps a key which it never gives out, and closes other keys with it: a KMS. */

/** Closes and opens the material of the keys of rings; the calls take part of a second each. */
export interface KeyWrapping {
  /** The service and its key, public: `aws-kms:alias/groundstop`. Stands in the ring's file. */
  readonly name: string
  /** Closes material, base64, for a key id. Returns base64. Throws KeyRingError, worth trying again later. */
  wrap(material: string, keyId: string): Promise<string>
  /**
   * Opens what `wrap` closed for the same key id, under the key that the file names. Throws KeyRingError: not
   * reached, not allowed, or closed for another id.
   */
  unwrap(wrapped: string, keyId: string, wrappedBy: string): Promise<string>
}
