/** The client is one folder that programs of others take as it is. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import ts from 'typescript'

import { ROOT } from '../support/repository.ts'

const FOLDER = join(ROOT, 'client')

test("the client compiles in a browser's project of 2022, strictly and without types of Node", () => {
  const files = readdirSync(FOLDER).map((file) => join(FOLDER, file))
  const program = ts.createProgram(files, {
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, allowImportingTsExtensions: true, types: [], isolatedModules: true },
    ...{ target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] },
    ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
    skipLibCheck: true,
  })
  const wrong = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText, file }) => [
      file?.fileName,
      ts.flattenDiagnosticMessageText(messageText, ' '),
    ])
  expect(wrong).toEqual([])
  const outside = program
    .getSourceFiles()
    .map(({ fileName }) => fileName)
    .filter((file) => !file.startsWith(`${FOLDER}/`) && !file.includes('/typescript/lib/'))
  expect(outside).toEqual([])
})
