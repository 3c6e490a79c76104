/** Asking an outside service whether it is there, by a call that costs next to nothing. */

/** `refused`: it is there and does not accept the key. */
export type ProbeAnswer =
  | { readonly kind: 'answered'; readonly durationMs: number }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'silent'; readonly message: string }

/** One service that can be asked. */
export interface ProviderProbe {
  readonly provider: string
  /** Never throws for what the service does; rejects only with the signal's reason. */
  probe(signal?: AbortSignal): Promise<ProbeAnswer>
}
