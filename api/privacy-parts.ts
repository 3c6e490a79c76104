/** What the doors of requests of persons are built from. */
import { createPrivacyExports } from '../adapters/files/privacy-exports.ts'
import { createPersonSeals } from '../db/stores/person-seals.ts'
import { createPrivacyRequestStore } from '../db/stores/privacy-request-store.ts'
import { instantFromMs } from '../domain/time.ts'
import {
  fetchExport,
  putExportLink,
  receivePrivacyRequest,
  refusePrivacyRequest,
} from '../operations/manage-privacy-requests.ts'
import { createPrivacyRuns } from '../platform/temporal/privacy-runs.ts'
import type { ApiParts } from './parts.ts'
import type { PrivacyDeps } from './rest/privacy-requests.ts'

/** Takes requests in, shows and refuses them, and hands copies out. */
export function privacyOf({
  db,
  client,
  clock,
  config,
  keys,
}: Pick<ApiParts, 'db' | 'client' | 'clock' | 'config' | 'keys'>): PrivacyDeps['privacy'] {
  const privacyRequests = createPrivacyRequestStore(db)
  const privacyExports = createPrivacyExports(config.privacyExportsDir)
  const wallNow = () => instantFromMs(Date.now())
  const personSeals = createPersonSeals(db, keys)
  const deps = { privacyRequests, privacyExports, personSeals, clock, wallNow }
  return {
    receive: (ask) => receivePrivacyRequest(deps, ask),
    find: (requestId) => privacyRequests.find(requestId),
    list: (filter, page) => privacyRequests.list(filter, page),
    refuse: (requestId, note) => refusePrivacyRequest(deps, requestId, note),
    putLink: (requestId, note) => putExportLink(deps, requestId, note),
    fetch: (requestId, token) => fetchExport(deps, requestId, token),
    start: (requestId) => createPrivacyRuns({ client, terms: config.jobTerms }).start(requestId),
    wallNow,
  }
}
