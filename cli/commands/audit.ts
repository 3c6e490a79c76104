/** `groundstop audit`: who changed what, and whether the trail is whole. */
import { InvalidArgumentError, type Command } from 'commander'

import { createAuditAnchors } from '../../adapters/files/audit-anchors.ts'
import { createAuditArchiveFiles } from '../../adapters/files/audit-archive-files.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import type { AuditAnchor, AuditEvent, AuditFilter } from '../../domain/ports/audit-log.ts'
import { parseInstant, type Instant } from '../../domain/time.ts'
import { verifyAudit } from '../../operations/verify-audit.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import {
  addPageOptions,
  addReadOptions,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { searchText } from '../text-arguments.ts'

type VerifyFlags = ReadFlags & { readonly anchor?: AuditAnchor }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('who changed what, and is the trail whole')
  addPageOptions(audit.command('list'))
    .description('list changes, the newest first')
    .option('--actor <name>', 'only those of this person or token', searchText(255))
    .option('--action <action>', 'as policy.cancel', searchText(255))
    .option('--subject <subject>', 'as policy:P-1', searchText(255))
    .option('--from <instant>', 'at or after, as 2013-02-08T12:00:00Z', instantOf)
    .option('--until <instant>', 'before', instantOf)
    .action((flags: PageFlags & AuditFilter) => {
      const { actor, action, subject, from, until } = flags
      return printRead(context, flags, {
        what: 'audit event',
        from: ({ reads }) => reads.audit.list({ actor, action, subject, from, until }, flags),
        lines: (page) => pageLines(page, eventLines),
      })
    })
  addReadOptions(audit.command('verify'))
    .description(
      'check that no event was changed, removed or slipped in, archives too; exit 1 on a break',
    )
    .option('--anchor <position:hash>', 'a head that was noted earlier', anchorOf)
    .action((flags: VerifyFlags) => verify(context, flags))
}

async function verify(context: CliContext, { json, anchor }: VerifyFlags): Promise<void> {
  await using database = await openDatabase(context)
  const { db, config } = database
  const parts = {
    auditChain: createAuditChain(db),
    archiveFiles: createAuditArchiveFiles(config.auditArchiveDir),
    auditAnchors: createAuditAnchors(config.auditAnchorDir),
  }
  const report = await verifyAudit(parts, anchor)
  const { events, head, firstBreak, archives } = report
  if (json) context.stdout.write(`${JSON.stringify(report)}\n`)
  if (firstBreak !== null) {
    const where = firstBreak.seq === null ? 'audit trail' : `audit event ${firstBreak.seq}`
    throw new CliError(`${where}: ${firstBreak.detail}`)
  }
  if (json) return
  const filed = archives.length === 0 ? '' : `, ${archives.at(-1)?.lastPosition} in archives`
  const whole = `${events} events${filed}, head ${head.position}:${head.hash}`
  context.stdout.write(`the trail holds: ${whole}\n`)
}

function eventLines(items: readonly AuditEvent[]): string[] {
  return tableLines(
    ['event', 'at, UTC', 'actor', 'action', 'subject', 'details'],
    items.map((event) => [
      event.seq,
      timeText(event.at),
      event.actor,
      event.action,
      event.subject,
      JSON.stringify(event.details),
    ]),
  )
}

function instantOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('It must be an instant with an offset: 2013-02-08T12:00:00Z.')
  }
}

function anchorOf(text: string): AuditAnchor {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (match === null) {
    throw new InvalidArgumentError('It must be a head as `audit verify` prints it: 12:0a1b...')
  }
  return { position: Number(match[1]), hash: match[2] ?? '' }
}
