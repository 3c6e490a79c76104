import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { createTestDatabase } from '../support/database.ts'

test('the generated types are those of the schema', async () => {
  await using database = await createTestDatabase()
  const codegen = new URL('../../node_modules/kysely-codegen/dist/cli/bin.js', import.meta.url)
  // `UPDATE_DB_TYPES=1 npx vitest run test/db/types.test.ts` writes them anew.
  const mode = process.env['UPDATE_DB_TYPES'] === '1' ? [] : ['--verify']
  const run = promisify(execFile)(process.execPath, [
    codegen.pathname,
    ...['--dialect', 'postgres', '--url', database.url, ...mode],
    ...['--out-file', new URL('../../db/types.generated.ts', import.meta.url).pathname],
    ...['--exclude-pattern', 'kysely_*', '--date-parser', 'string'],
    '--type-mapping',
    '{"timestamptz":"Instant","int8":"number","date":"LocalDate","numeric":"string"}',
    '--custom-imports',
    '{"Instant":"../domain/time.ts#Instant","LocalDate":"../domain/time.ts#LocalDate"}',
  ])
  await expect(run).resolves.toBeDefined()
})
