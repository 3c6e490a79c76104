/** Packs of real flights: the column-major text that ships in `data/`. No file access here. */
import type { LegIdentity } from './leg.ts'

/** A arrived, C cancelled, R diverted then reached the destination, D left and never reached it. */
export type PackLegStatus = 'A' | 'C' | 'R' | 'D'

export type PackLeg = {
  readonly carrier: string
  readonly flightNumber: string
  readonly origin: string
  readonly destination: string
  readonly scheduledOutMs: number
  readonly scheduledInMs: number
  readonly status: PackLegStatus
  readonly departureDelayMin: number | null
  readonly arrivalDelayMin: number | null
  readonly tailNumber: string | null
}

export type LegPack = {
  readonly legs: PackLeg[]
  /** Airport (IATA) to IANA zone. */
  readonly zones: Record<string, string>
  /** Further texts of the header: where the data is from. */
  readonly notes: Record<string, string>
}

/** The text is not a leg pack; the message says what is wrong where. */
export class LegPackError extends Error {
  override readonly name = 'LegPackError'
}

/** Reads a pack's text (already unzipped). Throws LegPackError naming column and row. */
export function parseLegPack(text: string): LegPack {
  throw new Error('not there yet')
}

/** Writes a pack as text; reading it back gives the same legs. */
export function formatLegPack(pack: LegPack): string {
  throw new Error('not there yet')
}

/** The identity of a pack's leg. Throws LegPackError when the origin's zone is not in the pack. */
export function packLegIdentity(leg: PackLeg, zones: Record<string, string>): LegIdentity {
  throw new Error('not there yet')
}
