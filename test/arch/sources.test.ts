/** What every source file must hold to and no linter knows: markers, comments, private paths. */
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { LONG_FILES } from '../support/longest-first.ts'
import { readSource, repositoryFiles } from '../support/repository.ts'

/** Folders whose exported names are other people's tools: each says what it does. */
const DOCUMENTED = /^(domain|jobs|ports|platform|operations|config|adapters|db|activities)\//

/** Binary or generated; nobody writes them by hand. */
const UNREAD = /^(package-lock\.json|data\/)|\.(gz|png|jpg|ico)$|\.generated\.ts$/

const BARE_MARKER = /\b(?:TODO|FIXME|HACK)\b(?!\(#\d+\))/
const PRIVATE_PATH = /(?<![\w.:/-])\/(?:home|root|Users|work|mnt)\/[\w.-]+/
const VAGUE_NAMES = /(?:^|\/)(?:utils?|helpers?|common|misc|types)(?:\.ts$|\/)/

function linesWith(path: string, pattern: RegExp): string[] {
  return readSource(path)
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
}

/** The exported declarations of a file that carry no doc comment, as `path: name`. */
export function undocumentedExports(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return source.statements.flatMap((statement) => {
    if (!ts.canHaveModifiers(statement) || !isExported(statement)) return []
    if (ts.getJSDocCommentsAndTags(statement).length > 0 || hasWordsElsewhere(statement)) return []
    return namesOf(statement).map((name) => `${path}: ${name}`)
  })
}

function isExported(statement: ts.HasModifiers): boolean {
  const modifiers = ts.getModifiers(statement) ?? []
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
}

/** The words are elsewhere: `z.output<typeof input>` at the schema, `defineJob({ summary })` within. */
function hasWordsElsewhere(statement: ts.Statement): boolean {
  return (
    (ts.isTypeAliasDeclaration(statement) && /\btypeof\b/.test(statement.type.getText())) ||
    (ts.isVariableStatement(statement) && /= defineJob\(/.test(statement.getText()))
  )
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => declaration.name.getText())
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement)
  ) {
    return [statement.name?.text ?? 'default']
  }
  return []
}

describe('sources', () => {
  const text = repositoryFiles().filter((path) => !UNREAD.test(path))
  const code = repositoryFiles('.ts').filter((path) => !UNREAD.test(path))

  test('mark open work with an issue number', () => {
    const own = 'test/arch/sources.test.ts'
    const readable = text.filter((path) => path !== own && !path.endsWith('.md'))
    expect(readable.flatMap((path) => linesWith(path, BARE_MARKER))).toEqual([])
  })

  test('name no path of one person or machine', () => {
    expect(text.flatMap((path) => linesWith(path, PRIVATE_PATH))).toEqual([])
  })

  test('are named by what they hold, not utils, helpers, common or types', () => {
    expect(code.filter((path) => VAGUE_NAMES.test(path))).toEqual([])
  })

  test('say in a doc comment what each exported name is', () => {
    const documented = code.filter((path) => DOCUMENTED.test(path))
    const missing = documented.flatMap((path) => undocumentedExports(path, readSource(path)))
    expect(missing).toEqual([])
  })

  test('start with a comment that says what the file is responsible for', () => {
    // A test file's names say it.
    const headed = code.filter((path) => !path.endsWith('.test.ts'))
    const bare = headed.filter((path) => !/^(?:#!.*\n)?\/(?:\*\*|\/)/.test(readSource(path)))
    expect(bare).toEqual([])
  })
})

test('long test files, which start first, are there', () => {
  const files = repositoryFiles()
  expect(LONG_FILES.filter((path) => !files.includes(path))).toEqual([])
})

describe('the doc comment check', () => {
  test('finds an exported function, constant and type without a comment', () => {
    const bare = 'export function f() {}\nexport const c = 1\nexport type T = 1\n'
    expect(undocumentedExports('a.ts', bare)).toEqual(['a.ts: f', 'a.ts: c', 'a.ts: T'])
  })

  test('accepts them with a comment, and leaves private names alone', () => {
    const fine = '/** Does. */\nexport function f() {}\nfunction g() {}\nconst c = 1\n'
    expect(undocumentedExports('a.ts', fine)).toEqual([])
  })
})
