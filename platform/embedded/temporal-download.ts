/** Temporal's download service, asked as the SDK asks it. Fails fast where there is no network. */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const SERVICE = 'https://temporal.download'
// Asking where the archive is takes well under a second; longer means that there is no way there.
const ASK_TIMEOUT_MS = 8_000
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000
const PROGRESS_STEP_BYTES = 10_000_000

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** What to download, and where to. */
export type DownloadRequest = {
  /** `cli` or `temporal-test-server`. */
  readonly artifact: string
  /** Where the archive and the program go. */
  readonly folder: string
  readonly onProgress: (text: string) => void
  readonly signal?: AbortSignal
}

/** Fetches and unpacks the program and returns its path. Throws an Error with the reason. */
export async function downloadArchive(request: DownloadRequest): Promise<string> {
  const platform = PLATFORMS[process.platform]
  const arch = ARCHITECTURES[process.arch]
  if (platform === undefined || arch === undefined) {
    throw new Error(`nothing is offered for ${process.platform} on ${process.arch}`)
  }
  const query = new URLSearchParams({
    platform,
    arch,
    format: 'tar.gz',
    'sdk-name': 'sdk-typescript',
  })
  const limits = [request.signal].filter((signal) => signal !== undefined)
  const info = await ask(
    `${SERVICE}/${request.artifact}/default?${query.toString()}`,
    AbortSignal.any([...limits, AbortSignal.timeout(ASK_TIMEOUT_MS)]),
  )
  const archive = join(request.folder, 'archive.tar.gz')
  await save(
    info.archiveUrl,
    archive,
    AbortSignal.any([...limits, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]),
    (megabytes) => request.onProgress(`fetching ${request.artifact}: ${megabytes} MB so far`),
  )
  await unpack(archive, request.folder)
  const file = join(request.folder, info.fileToExtract)
  await access(file)
  return file
}

async function ask(
  url: string,
  signal: AbortSignal,
): Promise<{ archiveUrl: string; fileToExtract: string }> {
  const response = await fetchOrExplain(url, signal)
  const body: unknown = await response.json()
  if (typeof body === 'object' && body !== null) {
    const { archiveUrl, fileToExtract } = body as Record<string, unknown> // checked below
    // The name becomes part of a path: a plain file name or nothing.
    const isPlain = typeof fileToExtract === 'string' && /^[\w.-]+$/.test(fileToExtract)
    if (typeof archiveUrl === 'string' && isPlain) return { archiveUrl, fileToExtract }
  }
  throw new Error('the download service gave an unknown answer')
}

async function save(
  url: string,
  path: string,
  signal: AbortSignal,
  onProgress: (megabytes: number) => void,
): Promise<void> {
  const response = await fetchOrExplain(url, signal)
  if (response.body === null) throw new Error('the download service gave no archive')
  let [bytes, nextReport] = [0, PROGRESS_STEP_BYTES]
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes >= nextReport) {
        nextReport += PROGRESS_STEP_BYTES
        onProgress(Math.round(bytes / 1_000_000))
      }
      done(null, chunk)
    },
  })
  await pipeline(Readable.fromWeb(response.body), counter, createWriteStream(path), { signal })
}

async function fetchOrExplain(url: string, signal: AbortSignal): Promise<Response> {
  const { host } = new URL(url)
  let response: Response
  try {
    response = await fetch(url, { signal })
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const reason = inner instanceof Error ? inner.message : String(inner)
    throw new Error(`${host} cannot be reached (${reason})`, { cause })
  }
  if (!response.ok) throw new Error(`${host} answered ${response.status}`)
  return response
}

async function unpack(archive: string, folder: string): Promise<void> {
  const child = spawn('tar', ['-xzf', archive, '-C', folder], { stdio: 'ignore' })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`tar could not unpack the archive (exit code ${code})`)
}
