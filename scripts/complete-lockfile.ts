/**
 * Completes package-lock.json with the optional platform packages that a partial registry did not
 * offer when the lock was written. Without their entries `npm ci` refuses the lock on every machine.
 * An entry names the platform, so npm fetches it only where it fits. Run by `npm run lockfile`.
 */
import { readFileSync, writeFileSync } from 'node:fs'

type LockEntry = {
  version?: string
  optional?: boolean
  dev?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const LOCKFILE = new URL('../package-lock.json', import.meta.url)
const OPERATING_SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = [
  'arm64',
  'arm',
  'x64',
  'ia32',
  'ppc64',
  'riscv64',
  's390x',
  'loong64',
  'mips64el',
  'wasm32',
]

/** The platform that a package's name ends with: `@scope/core-linux-arm-gnueabihf` is linux, arm, glibc. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[-/.]/)
  const os = OPERATING_SYSTEMS.find((candidate) => words.includes(candidate))
  const cpu = PROCESSORS.find((candidate) => words.includes(candidate))
  const isMusl = words.some((word) => word.startsWith('musl'))
  const isGnu = words.some((word) => word.startsWith('gnu'))
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    // wasm builds run anywhere, but npm must not add them where a native one fits.
    ...(os === undefined ? (cpu === 'wasm32' ? {} : { os: ['none'] }) : { os: [os] }),
    ...(isMusl ? { libc: ['musl'] } : os === 'linux' && isGnu ? { libc: ['glibc'] } : {}),
  }
}

const lock = JSON.parse(readFileSync(LOCKFILE, 'utf8')) as { packages: Record<string, LockEntry> }
const added: string[] = []
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const isKnown = [`${path}/node_modules/${name}`, `node_modules/${name}`].some(
      (place) => lock.packages[place] !== undefined,
    )
    if (isKnown || !/^\d/.test(range)) continue
    lock.packages[`node_modules/${name}`] = {
      version: range,
      ...platformOf(name),
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
    }
    added.push(name)
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
lock.packages = Object.fromEntries(sorted)
writeFileSync(LOCKFILE, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} platform packages added to the lock`)
