/** The lock file installs anywhere: every platform's optional package is in it, no registry is. */
import { describe, expect, test } from 'vitest'
import { readSource } from '../support/repository.ts'

type Entry = {
  version?: string
  resolved?: string
  link?: boolean
  optionalDependencies?: Record<string, string>
}
type Manifest = {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

describe('the lock file', () => {
  const lock = JSON.parse(readSource('package-lock.json')) as { packages: Record<string, Entry> }
  const manifest = JSON.parse(readSource('package.json')) as Manifest

  test('has an entry for every exactly pinned optional package, whatever the platform', () => {
    const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.entries(entry.optionalDependencies ?? {})
        .filter(([, range]) => /^\d/.test(range))
        .map(([name]) => name)
        .filter(
          (name) =>
            lock.packages[`${path}/node_modules/${name}`] === undefined &&
            lock.packages[`node_modules/${name}`] === undefined,
        ),
    )
    expect(missing, 'run npm run lockfile').toEqual([])
  })

  test('names no registry, so that every machine installs from its own', () => {
    const pinned = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)
    expect(pinned.map(([path]) => path)).toEqual([])
  })

  test('agrees with package.json', () => {
    const root = lock.packages[''] as unknown as Manifest
    expect(root.dependencies).toEqual(manifest.dependencies)
    expect(root.devDependencies).toEqual(manifest.devDependencies)
  })

  test('pins Temporal exactly, all packages at one version', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies }
    const temporal = Object.entries(all).filter(([name]) => name.startsWith('@temporalio/'))
    expect(new Set(temporal.map(([, version]) => version))).toEqual(new Set(['1.24.0']))
  })
})
