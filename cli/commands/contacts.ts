/** `groundstop contacts`: takes holders' contact details in, and erases them. */
import type { Command } from 'commander'

import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createContactStore } from '../../db/stores/contact-store.ts'
import { CONTACT_COLUMNS } from '../../domain/contact.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import { importContacts } from '../../operations/import-contacts.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { openPayloadKeys } from '../payload-keys.ts'
import { addNoteOptions, loginActor, noteOf, type NoteFlags } from '../note-options.ts'
import { readRowFile } from '../policy-file.ts'
import { parseTenant } from '../tenant-argument.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const contacts = program.command('contacts').description('where holders are reached')
  contacts
    .command('import')
    .description('take contact details of a file in; good rows go in, bad rows are told')
    .argument('<file>', '.csv with a header line, or .jsonl with an object a line')
    .option('--json', 'print the result as one JSON object', false)
    .option('--tenant <name>', 'whose holders they are', parseTenant, DEFAULT_TENANT)
    .addHelpText('after', COLUMNS_HELP)
    .action((file: string, flags: ImportFlags) => importFile(context, file, flags))
  addNoteOptions(contacts.command('erase'))
    .description('remove all contact details of a holder; policies and money stay')
    .argument('<holder-ref>', "the policies' payee_ref")
    .action((holderRef: string, flags: NoteFlags) => erase(context, holderRef, flags))
}

const COLUMNS_HELP = `
Columns: holder_ref (the policies' payee_ref) and any of name, email, phone (+493012345678), locale (en, de),
channels (a list such as email|sms|push, or none; without it every way that has an address), push_endpoint,
push_p256dh, push_auth. A row replaces what is known of its holder. Exit code 1 when a row was rejected.
`

type ImportFlags = { readonly json: boolean; readonly tenant: string }

async function importFile(
  context: CliContext,
  file: string,
  { json: isJson, tenant }: ImportFlags,
): Promise<void> {
  const columns = { required: ['holder_ref'], known: CONTACT_COLUMNS }
  const rows = readRowFile(file, columns, (ignored) => {
    context.stderr.write(`${file}: columns that are not read: ${ignored.join(', ')}\n`)
  })
  await using database = await openDatabase(context)
  await assertSchemaCurrent(database.db)
  using keys = await openPayloadKeys(context.env)
  const contactStore = createContactStore(database.db, keys)
  const deps = { contactStore, by: loginActor(), tenant }
  const result = await importContacts(deps, rows, context.signal)
  const { created, changed, unchanged, rejected } = result
  for (const { line, field, reason } of rejected) {
    context.stderr.write(`${file}:${line}: ${field}: ${reason}\n`)
  }
  const summary = `created ${created}, changed ${changed}, unchanged ${unchanged}, rejected ${rejected.length}`
  context.stdout.write(isJson ? `${JSON.stringify(result)}\n` : `${summary}\n`)
  if (rejected.length > 0) {
    throw new CliError(`rows of ${file} were rejected; the others are in`)
  }
}

async function erase(context: CliContext, holderRef: string, flags: NoteFlags): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const isErased = await createContactStore(database.db, null).erase(holderRef, note)
  if (!isErased) throw new CliError('nothing is known of this holder')
  context.stdout.write('erased\n')
}
