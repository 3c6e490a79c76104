/**
 * Brings the lines of the Temporal SDK (worker, workflow and activity contexts, native core) into
 * our own log, with the workflow id as correlation id.
 */
import type {
  Logger as TemporalLogger,
  LogLevel as TemporalLevel,
  LogMetadata,
} from '@temporalio/common'
import type { LogData, Logger } from './logger.ts'

/** Members of the SDK's metadata that are of no use in a line, or must not leave the process. */
const DROPPED = new Set(['taskToken', 'correlationId', 'sdkComponent'])

/** Lines of our own workflow and activity code name an event; others carry a free message. */
const OWN_COMPONENTS = new Set(['workflow', 'activity'])

/** A logger for `Runtime.install({ logger })` and for `new Client`, writing through ours. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: TemporalLevel, message: string, meta: LogMetadata = {}): void => {
    const correlationId: unknown = meta['correlationId'] ?? meta['workflowId']
    const component = String(meta['sdkComponent'] ?? 'sdk')
    const fields = Object.fromEntries(Object.entries(meta).filter(([name]) => !DROPPED.has(name)))
    const own = OWN_COMPONENTS.has(component)
    const data: LogData = own ? fields : { ...fields, component, message }
    const target = typeof correlationId === 'string' ? logger.child({ correlationId }) : logger
    write(target, level, data, own ? message : 'temporal-sdk')
  }
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  }
}

function write(logger: Logger, level: TemporalLevel, data: LogData, event: string): void {
  switch (level) {
    case 'TRACE':
      return logger.trace(data, event)
    case 'DEBUG':
      return logger.debug(data, event)
    case 'INFO':
      return logger.info(data, event)
    case 'WARN':
      return logger.warn(data, event)
    case 'ERROR':
      return logger.error(data, event)
  }
}
