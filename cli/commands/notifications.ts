/** `groundstop notifications`: what was told to whom over which channel, and by hand. */
import { InvalidArgumentError, Option, type Command } from 'commander'

import { createExplanationSource } from '../../db/stores/explanation-source.ts'
import { createNotificationControlStore } from '../../db/stores/notification-control-store.ts'
import { createNotificationReads } from '../../db/stores/notification-reads.ts'
import {
  NOTIFICATION_CHANNELS,
  NOTIFICATION_TRANSITIONS,
  TEMPLATE_VERSIONS,
} from '../../domain/notification.ts'
import type {
  ListedNotification,
  NotificationFilter,
} from '../../domain/ports/notification-reads.ts'
import { showNotification, type ShownNotification } from '../../operations/show-notification.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { openPayloadKeys } from '../payload-keys.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  addReadOptions,
  addTenantOption,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { isUuid, searchText } from '../text-arguments.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const notifications = program
    .command('notifications')
    .description('what holders and operators are told')
  addTenantOption(addPageOptions(notifications.command('list')))
    .description('list notifications, the newest first')
    .addOption(new Option('--state <state>').choices(Object.keys(NOTIFICATION_TRANSITIONS)))
    .addOption(new Option('--channel <channel>').choices(NOTIFICATION_CHANNELS))
    .addOption(new Option('--template <template>').choices(Object.keys(TEMPLATE_VERSIONS)))
    .addOption(new Option('--audience <audience>').choices(['holder', 'operator']))
    .option('--policy-number <number>', 'those of one policy', searchText(64))
    .action((flags: PageFlags & NotificationFilter) => {
      const { state, channel, template, audience, policyNumber } = flags
      const filter = { state, channel, template, audience, policyNumber }
      return printRead(context, flags, {
        what: 'notification',
        from: ({ db }) => createNotificationReads(db, null).list(filter, flags),
        lines: (page) => pageLines(page, lines),
      })
    })
  addTenantOption(addReadOptions(notifications.command('show')))
    .description('one notification with its words, as they would read now')
    .argument('<id>', 'as `list` shows it', parseId)
    .action((id: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: 'notification',
        from: async ({ db }) =>
          showNotification(
            {
              notificationReads: createNotificationReads(db, await openPayloadKeys(context.env)),
              explanations: createExplanationSource(db),
            },
            id,
          ),
        lines: shownLines,
      }),
    )
  for (const [action, description] of Object.entries(ACTIONS)) {
    addNoteOptions(notifications.command(action))
      .description(description)
      .argument('<id>', 'as `list` shows it', parseId)
      .action((id: string, flags: NoteFlags) =>
        control(context, action === 'resend' ? 'resend' : 'suppress', id, flags),
      )
  }
}

const ACTIONS = {
  resend: "send it again, to the holder's present address: a new notification",
  suppress: 'take a queued one out of the queue for good',
} as const

async function control(
  context: CliContext,
  action: keyof typeof ACTIONS,
  id: string,
  flags: NoteFlags,
): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const outcome = await createNotificationControlStore(database.db)[action](id, note)
  if (outcome.kind === 'not-found') throw new CliError('there is no notification with this id')
  if (outcome.kind === 'conflict') throw new CliError(`it is ${outcome.state}: nothing was done`)
  context.stdout.write(`${outcome.notificationId}\n`)
}

function lines(items: readonly ListedNotification[]): string[] {
  return tableLines(
    ['notification', 'created, UTC', 'message', 'channel', 'policy', 'state', 'why'],
    items.map((one) => [
      one.notificationId,
      timeText(one.createdAt),
      `${one.template} ${one.locale}`,
      one.channel,
      one.policyNumber ?? '(operators)',
      one.state,
      one.reason ?? one.lastCode ?? '',
    ]),
  )
}

function shownLines({ message, ...one }: ShownNotification): string[] {
  const words =
    message === null
      ? ['(not true any more: it would not be sent)']
      : [`Subject: ${message.subject}`, '', message.text.trimEnd()]
  return [...lines([one]), '', ...words]
}

function parseId(text: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new InvalidArgumentError('an id as `groundstop notifications list` shows it')
}
