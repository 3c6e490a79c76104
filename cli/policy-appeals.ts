/** `groundstop policies appeal|appeals`: a holder's appeal against the decision, and those made. */
import type { Command } from 'commander'

import { createAppealStore } from '../db/stores/appeal-store.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { EVIDENCE_LIMIT, EVIDENCE_TEXT } from '../domain/plain-text.ts'
import type { PolicyAppeals } from '../domain/ports/appeal-store.ts'
import { appealPolicy } from '../operations/appeal-policy.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { CliError, EXIT } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openDatabase } from './instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from './note-options.ts'
import { addReadOptions, addTenantOption, printRead, type ReadFlags } from './reads/reading.ts'
import { moneyText } from './screen/lines.ts'
import { fieldLines, tableLines, timeText } from './screen/table.ts'

type Flags = NoteFlags & { readonly evidence?: string; readonly json: boolean }

/** Adds the subcommands. */
export function addPolicyAppeals(policies: Command, context: CliContext): void {
  const command = policies
    .command('appeal')
    .description('take a holder’s appeal: a person looks at the decision again')
    .argument('<number>', 'policy number')
  addNoteOptions(command)
    .option('--evidence <text>', 'what the holder brings, or where it is kept')
    .option('--json', 'print one JSON object', false)
    .action((number: string, flags: Flags) => appeal(context, number, flags))
  addTenantOption(addReadOptions(policies.command('appeals')))
    .description('print the appeals of a policy, and whether another one would be taken')
    .argument('<number>', 'policy number')
    .action((number: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `policy ${number}`,
        from: async ({ db, house }) => {
          const now = await createVirtualClock(createClockStore(house)).now()
          return createAppealStore(db).list(number, now)
        },
        lines: appealLines,
      }),
    )
}

async function appeal(context: CliContext, policyNumber: string, flags: Flags): Promise<void> {
  const note = noteOf(flags)
  const evidence = flags.evidence?.trim() ?? null
  if (evidence !== null && !isEvidence(evidence)) {
    const what = `1 to ${EVIDENCE_LIMIT} characters, no control characters but lines and tabs`
    throw new CliError(`--evidence must have ${what}`, EXIT.usage)
  }
  await using database = await openDatabase(context)
  const { db } = database
  const deps = {
    appealStore: createAppealStore(db),
    clock: createVirtualClock(createClockStore(db)),
  }
  const done = await appealPolicy(deps, { policyNumber, ...note, evidence, requestId: null })
  if (done.kind === 'no-policy') throw new CliError(`there is no policy ${policyNumber}`)
  if (done.kind === 'refused') throw new CliError(`${policyNumber}: ${done.refusal.reason}`)
  const { n, caseId } = done.appeal
  const words = `appeal ${n} of policy ${policyNumber} is taken, review case ${caseId}`
  context.stdout.write(`${flags.json ? JSON.stringify(done.appeal) : words}\n`)
}

function isEvidence(text: string): boolean {
  return text !== '' && text.length <= EVIDENCE_LIMIT && EVIDENCE_TEXT.test(text)
}

function appealLines({ until, refusal, appeals, currency }: PolicyAppeals): string[] {
  return [
    ...fieldLines([
      ['taken before', timeText(until)],
      ['another one', refusal === null ? 'would be taken now' : refusal.reason],
    ]),
    '',
    ...tableLines(
      ['appeal', 'made', 'case', 'reason', 'end', 'more', 'grounds'],
      appeals.map(({ n, filedAt, caseId, reason, result, moreMinor, grounds }) => [
        n,
        timeText(filedAt),
        caseId,
        reason,
        result ?? 'open',
        moreMinor === null ? null : moneyText(String(moreMinor), currency),
        grounds,
      ]),
    ),
  ]
}
