// Health check of a container: `node deploy/check-http.mjs URL 200,401` ends with 0 when the answer
// has one of these statuses, with 1 otherwise.
const [url = '', statuses = '200'] = process.argv.slice(2)
const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) }).catch(() => null)
await answer?.body?.cancel()
process.exitCode = statuses.split(',').includes(String(answer?.status)) ? 0 : 1
