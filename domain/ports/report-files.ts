/** Reports as files that people download, each with a manifest of its checksums. */
import type { PeriodKind } from '../analytics/period.ts'
import type { ReportFile } from '../reports/document.ts'
import type { Report } from '../reports/reports.ts'
import type { Instant } from '../time.ts'

/** Which report of which period: names of closed sets, so that a path follows from them safely. */
export type ReportKey = { readonly report: Report; readonly period: string }

/** One file of a report. */
export type ListedFile = {
  readonly name: string
  readonly type: string
  readonly bytes: number
  readonly rows: number
  readonly sha256: string
}

/** What a report consists of. */
export type ReportManifest = ReportKey & {
  readonly kind: PeriodKind
  readonly startsAt: Instant
  readonly endsAt: Instant
  /** When these very files were first made: in business time and on the wall. */
  readonly generatedAt: Instant
  readonly generatedAtWall: Instant
  readonly files: readonly ListedFile[]
}

/** The files in place are not those of the manifest: they are being replaced, or were meddled with. */
export class ReportTornError extends Error {
  override readonly name = 'ReportTornError'
}

/** Keeps reports. */
export interface ReportFiles {
  /**
   * Puts a report's files in place, each whole or not at all, the manifest last. The same files again
   * change nothing, not even the manifest.
   */
  write(
    manifest: Omit<ReportManifest, 'files'>,
    files: readonly ReportFile[],
  ): Promise<{ readonly manifest: ReportManifest; readonly isChanged: boolean }>
  /** Manifests, the newest period first; at most 1,000. */
  list(): Promise<ReportManifest[]>
  /** Null when there is no such report. */
  find(key: ReportKey): Promise<ReportManifest | null>
  /** A file that the manifest names, as it says. Null when there is none. Throws ReportTornError. */
  read(
    key: ReportKey,
    file: string,
  ): Promise<(ListedFile & { readonly content: Uint8Array }) | null>
}
