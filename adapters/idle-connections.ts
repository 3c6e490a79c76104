/** How long a connection to an outside service may lie idle. */

/** A server may promise ten minutes, which is as long as the client library would believe it. */
export const IDLE_AT_MOST_MS = 60_000
