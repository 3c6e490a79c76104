/** `groundstop policies`: takes a book of policies in, and shows it. */
import type { Command } from 'commander'

import { loadAirportZones } from '../../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../../adapters/flights/aeroapi.ts'
import { createLeasedAllowance, keyIdOf } from '../../adapters/flights/leased-allowance.ts'
import { ConfigError, loadConfig } from '../../config/config.ts'
import type { Secrets } from '../../config/config.ts'
import { createDatabase } from '../../db/client.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createAllowanceStore } from '../../db/stores/allowance-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { DEFAULT_TENANT } from '../../domain/role.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { importPolicies } from '../../operations/import-policies.ts'
import type { ImportedPolicies } from '../../operations/import-policies.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { loginActor } from '../note-options.ts'
import { readPolicyFile } from '../policy-file.ts'
import { addPolicyAppeals } from '../policy-appeals.ts'
import { addPolicyCancellation } from '../policy-cancellation.ts'
import { addPolicyReads } from '../reads/policy-reads.ts'
import { parseTenant } from '../tenant-argument.ts'

type ImportOptions = { readonly json: boolean; readonly tenant: string }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const policies = program.command('policies').description('the book of policies')
  policies
    .command('import')
    .description('bind the policies of a file; good rows go in, bad rows are told')
    .argument('<file>', '.csv with a header line, or .jsonl with an object a line')
    .option('--json', 'print the result as one JSON object', false)
    .option('--tenant <name>', 'whose they are where a row names none', parseTenant, DEFAULT_TENANT)
    .addHelpText('after', COLUMNS_HELP)
    .action((file: string, options: ImportOptions) => importFile(context, file, options))
  addPolicyCancellation(policies, context)
  addPolicyAppeals(policies, context)
  addPolicyReads(policies, context)
}

const COLUMNS_HELP = `
Columns: policy_number, product (code; its latest version is bound), carrier, flight_number, origin,
destination, departure_date (YYYY-MM-DD at the origin), sum_insured and optional premium (major units:
250 or 250.00), currency, payee_ref, and optional bound_at (ISO 8601 with an offset) for cover that was
bound elsewhere, and tenant, whose policy it is. Importing a file again changes nothing. Exit code 1 when a row was rejected.
`

async function importFile(
  context: CliContext,
  file: string,
  options: ImportOptions,
): Promise<void> {
  const loaded = loadConfig(context.env)
  const rows = readPolicyFile(file, (columns) => {
    context.stderr.write(`${file}: columns that are not read: ${columns.join(', ')}\n`)
  })
  const { databaseUrl, aeroapiKey } = requireSecrets(loaded.secrets)
  await using db = createDatabase(databaseUrl, {
    max: loaded.config.database.poolMax,
    applicationName: 'groundstop-import',
  })
  await assertSchemaCurrent(db)
  const productStore = createProductStore(db)
  await ensureProducts({ productStore })
  const clock = createVirtualClock(createClockStore(db))
  const { aeroapi } = loaded.config
  await using allowance = createLeasedAllowance({
    provider: 'aeroapi',
    keyId: keyIdOf(aeroapiKey),
    store: createAllowanceStore(db),
    terms: aeroapi,
    onNotice: ({ period, percent, budget }) => {
      context.stderr.write(`${percent} % of the ${period}'s budget of ${budget} calls is used\n`)
    },
  })
  await using flightData = createAeroApiProvider({
    baseUrl: aeroapi.url,
    apiKey: aeroapiKey,
    allowance,
    concurrency: aeroapi.concurrency,
    airports: loadAirportZones(),
    clock,
  })
  const policyStore = createPolicyStore(db)
  const { capacityMinor } = loaded.config.underwriting
  const deps = { policyStore, productStore, flightData, clock, capacityMinor }
  const { tenant } = options
  const from = { signal: context.signal, by: loginActor(), tenant }
  const result = await importPolicies(deps, rows, from)
  report(context, file, result, options)
}

function requireSecrets(secrets: Secrets): { databaseUrl: string; aeroapiKey: string } {
  const { databaseUrl, aeroapiKey } = secrets
  if (databaseUrl !== null && aeroapiKey !== null) return { databaseUrl, aeroapiKey }
  const message = 'must be set to import policies, or an instance must be running'
  throw new ConfigError([
    ...(databaseUrl === null ? [{ variable: 'DATABASE_URL', message }] : []),
    ...(aeroapiKey === null ? [{ variable: 'AEROAPI_KEY', message }] : []),
  ])
}

function report(
  context: CliContext,
  file: string,
  result: ImportedPolicies,
  options: ImportOptions,
): void {
  const { imported, unchanged, rejected } = result
  for (const { line, field, reason } of rejected) {
    context.stderr.write(`${file}:${line}: ${field}: ${reason}\n`)
  }
  const summary = `imported ${imported}, unchanged ${unchanged}, rejected ${rejected.length}`
  context.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${summary}\n`)
  if (rejected.length > 0) {
    throw new CliError(`${rejected.length} rows of ${file} were rejected; the others are bound`)
  }
}
