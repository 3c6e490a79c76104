/** Copies of persons' data as files, closed with the person's key, until they are fetched or had their time. */
import type { Instant } from '../time.ts'

/** What a copy says: its bytes and checksum as the person gets it, before it is closed. */
export type ExportManifest = {
  readonly requestId: string
  /** Wall time. */
  readonly generatedAt: Instant
  readonly file: {
    readonly name: string
    readonly type: string
    readonly bytes: number
    readonly sha256: string
  }
}

/** The file in place is not that of its manifest: it is being replaced, or was meddled with. */
export class ExportTornError extends Error {
  override readonly name = 'ExportTornError'
}

/** Keeps copies. */
export interface PrivacyExports {
  /** Puts the copy in place, whole or not at all, the manifest last; replaces an earlier one. */
  write(manifest: ExportManifest, sealed: Uint8Array): Promise<void>
  /** The copy, closed as it was written; null when there is none. */
  read(
    requestId: string,
  ): Promise<{ readonly manifest: ExportManifest; readonly sealed: Uint8Array } | null>
  /** Takes a copy away; nothing when there is none. */
  remove(requestId: string): Promise<void>
}
