/** The reading commands in this process, with what they print and how they fail. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { Command } from 'commander'

import { register as registerAirports } from '../../cli/commands/airports.ts'
import { register as registerApiKeys } from '../../cli/commands/api-keys.ts'
import { register as registerClock } from '../../cli/commands/clock.ts'
import { register as registerContacts } from '../../cli/commands/contacts.ts'
import { register as registerAudit } from '../../cli/commands/audit.ts'
import { register as registerDeadLetters } from '../../cli/commands/dead-letters.ts'
import { register as registerExposure } from '../../cli/commands/exposure.ts'
import { register as registerJobs } from '../../cli/commands/jobs.ts'
import { register as registerLedger } from '../../cli/commands/ledger.ts'
import { register as registerLegs } from '../../cli/commands/legs.ts'
import { register as registerLossRatio } from '../../cli/commands/loss-ratio.ts'
import { register as registerNotifications } from '../../cli/commands/notifications.ts'
import { register as registerPayouts } from '../../cli/commands/payouts.ts'
import { register as registerPolicies } from '../../cli/commands/policies.ts'
import { register as registerPolls } from '../../cli/commands/polls.ts'
import { register as registerPrivacy } from '../../cli/commands/privacy.ts'
import { register as registerProviders } from '../../cli/commands/providers.ts'
import { register as registerReport } from '../../cli/commands/report.ts'
import { register as registerReviews } from '../../cli/commands/reviews.ts'
import { register as registerSchedules } from '../../cli/commands/schedules.ts'
import { register as registerSettings } from '../../cli/commands/settings.ts'
import { register as registerTasks } from '../../cli/commands/tasks.ts'
import { register as registerUsers } from '../../cli/commands/users.ts'

/** Never made: heads that somebody noted of a book of their own say nothing of a test's. */
const NO_ANCHORS = join(tmpdir(), 'groundstop-no-anchors')

/** Runs a command line that reads, against this database. */
export async function runCommand(
  databaseUrl: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ out: string; err: string; error: unknown }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([text(stdout), text(stderr)])
  const signal = new AbortController().signal
  const context = {
    env: { DATABASE_URL: databaseUrl, AUDIT_ANCHOR_DIR: NO_ANCHORS, ...env },
    stdout,
    stderr,
    signal,
  }
  const program = new Command('groundstop')
    .exitOverride()
    .configureOutput({ writeErr: (line) => stderr.write(line) })
  const commands = [
    registerAirports,
    registerAudit,
    registerExposure,
    registerLedger,
    registerLegs,
    registerLossRatio,
  ]
  commands.push(
    registerProviders,
    registerPayouts,
    registerPolicies,
    registerPolls,
    registerReviews,
  )
  commands.push(registerReport, registerContacts, registerNotifications, registerSettings)
  commands.push(registerUsers, registerApiKeys, registerJobs)
  commands.push(registerDeadLetters, registerSchedules, registerTasks)
  commands.push(registerPrivacy, registerClock)
  for (const register of commands) register(program, context)
  const error: unknown = await program
    .parseAsync(['node', 'groundstop', ...words])
    .then(() => null)
    .catch((thrown: unknown) => thrown)
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { out, err, error }
}
