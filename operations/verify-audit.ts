/** Checks the whole audit trail: what is in the database, the files before it, the heads noted outside. */
import type { AuditAnchors, AuditArchiveFiles } from '../domain/ports/audit-archive.ts'
import type { AuditAnchor, AuditChain, AuditChainReport } from '../domain/ports/audit-log.ts'

/** What the check works over. */
export type VerifyAuditDeps = {
  readonly auditChain: AuditChain
  readonly archiveFiles: AuditArchiveFiles
  readonly auditAnchors: AuditAnchors
}

/** With `noted`, also that the chain leads through that head. */
export async function verifyAudit(
  { auditChain, archiveFiles, auditAnchors }: VerifyAuditDeps,
  noted?: AuditAnchor,
): Promise<AuditChainReport> {
  const anchors = [...(await auditAnchors.read()), ...(noted === undefined ? [] : [noted])]
  const report = await auditChain.verify(anchors)
  if (report.firstBreak !== null) return report
  for (const archive of report.archives) {
    const fault = await archiveFiles.findFault(archive, anchors)
    if (fault === null) continue
    return { ...report, firstBreak: { seq: null, detail: `archive ${archive.file} ${fault}` } }
  }
  return report
}
