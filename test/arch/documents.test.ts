/** The documents tell the truth: links lead somewhere, settings are the ones that exist. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FIELDS } from '../../config/fields.ts'
import { JOBS } from '../../jobs/registry.ts'
import { KILLED_JOBS } from '../support/killed-jobs.ts'
import { readSource, repositoryFiles, ROOT } from '../support/repository.ts'

const LINK = /\[[^\]]*\]\((?<target>[^)\s]+)\)/g
const NPM_SCRIPT = /npm run (?<name>[\w:-]+)/g

/** `# Title` as a link names it: `title`. */
function anchorsOf(markdown: string): Set<string> {
  const titles = markdown.matchAll(/^#+ (?<title>.+)$/gm)
  return new Set(
    Array.from(titles, (match) =>
      (match.groups?.['title'] ?? '')
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )
}

/** The relative links of a document that lead nowhere, as `path: target`. */
function brokenLinks(path: string): string[] {
  const markdown = readSource(path).replaceAll(/^```[\s\S]*?^```/gm, '')
  const targets = Array.from(markdown.matchAll(LINK), (match) => match.groups?.['target'] ?? '')
  return targets
    .filter((target) => !/^[a-z]+:/.test(target) && !isReachable(path, target))
    .map((target) => `${path}: ${target}`)
}

function isReachable(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : join(dirname(from), file)
  if (!existsSync(join(ROOT, path))) return false
  return anchor === undefined || !path.endsWith('.md') || anchorsOf(readSource(path)).has(anchor)
}

describe('documents', () => {
  const documents = repositoryFiles('.md')

  test('link only to files and headings that exist', () => {
    expect(documents.flatMap(brokenLinks)).toEqual([])
  })

  test('name only npm scripts that exist', () => {
    const manifest = JSON.parse(readSource('package.json')) as { scripts: Record<string, string> }
    const unknown = documents.flatMap((path) =>
      Array.from(readSource(path).matchAll(NPM_SCRIPT), (match) => match.groups?.['name'] ?? '')
        .filter((name) => manifest.scripts[name] === undefined)
        .map((name) => `${path}: npm run ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('list each job once, under what is killed in tests or under what is not', () => {
    const [, section = ''] = readSource('docs/operating-jobs.md').split(
      '## Workers that are killed',
    )
    const rows = (section.split('\n## ')[0] ?? '').matchAll(/^\|[^|]*\|([^|]*)\|([^|]*)\|$/gm)
    const cells = Array.from(rows, ([, killed = '', others = '']) => [killed, others])
    const jobsOf = (column: number): string[] =>
      cells.flatMap((row) =>
        Array.from((row[column] ?? '').matchAll(/`([a-z-]+)`/g), ([, name = '']) => name),
      )
    const [killed, others] = [jobsOf(0), jobsOf(1)]
    // Payouts are killed in a storm of their own.
    const inTests = new Set<string>(['payout', ...KILLED_JOBS.map(({ job }) => job)])
    expect(killed.toSorted()).toEqual([...inTests].toSorted())
    expect([...killed, ...others].toSorted()).toEqual(Object.keys(JOBS).toSorted())
  })

  test('keep the changelog in order: unreleased first, then versions with dates', () => {
    const headings = readSource('CHANGELOG.md').match(/^## .+$/gm) ?? []
    expect(headings[0]).toBe('## Unreleased')
    for (const heading of headings.slice(1)) {
      expect(heading).toMatch(/^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/)
    }
  })

  test('keep the changelog to its kinds of change', () => {
    const kinds = readSource('CHANGELOG.md').match(/^### .+$/gm) ?? []
    const known = new Set(['### Added', '### Changed', '### Fixed', '### Removed', '### Security'])
    expect(kinds.filter((kind) => !known.has(kind))).toEqual([])
  })

  test('give each decision record a number, a status and its parts', () => {
    const records = documents.filter((path) => /^docs\/adr\/\d{4}-/.test(path))
    expect(records.length).toBeGreaterThan(0)
    for (const path of records) {
      const text = readSource(path)
      expect(text, path).toMatch(/^# \d{4} /)
      expect(text, path).toMatch(
        /^Status: (?:accepted|superseded by \d{4}) \(\d{4}-\d{2}-\d{2}\)$/m,
      )
      for (const part of ['## Why', '## Decision', '## What follows'])
        expect(text, path).toContain(part)
    }
  })

  test('name every direct dependency in the dependency log, and no other', () => {
    const manifest = JSON.parse(readSource('package.json')) as {
      dependencies: Record<string, string>
      devDependencies: Record<string, string>
    }
    const rows = readSource('docs/adr/dependencies.md').matchAll(/^\| `(?<name>[^`]+)` +\|/gm)
    const logged = Array.from(rows, (match) => match.groups?.['name'] ?? '')
    const direct = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(logged.toSorted()).toEqual(direct.toSorted())
  })

  test('list every setting that the configuration knows, and no other', () => {
    const [, settings = ''] = readSource('docs/running.md').split('## Settings')
    const rows = settings.matchAll(/^\| `(?<name>[A-Z_]+)` +\|/gm)
    const documented = Array.from(rows, (match) => match.groups?.['name'] ?? '')
    expect(documented.toSorted()).toEqual(Object.keys(FIELDS).toSorted())
  })
})
