/** Copies of persons' data as files, until they are fetched or their time is over. */
import type { Instant } from '../time.ts'

/** What a copy consists of. */
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
  write(requestId: string, content: string, generatedAt: Instant): Promise<ExportManifest>
  /** The copy as its manifest says; null when there is none. Throws ExportTornError. */
  read(
    requestId: string,
  ): Promise<{ readonly manifest: ExportManifest; readonly content: Uint8Array } | null>
  /** Takes a copy away; nothing when there is none. */
  remove(requestId: string): Promise<void>
}
