/**
 * How calls to the Temporal server are repeated: the SDK's retries, and an end for those that outlive
 * their connection.
 */
import { Metadata, status, type Interceptor } from '@grpc/grpc-js'
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'

type InterceptingCall = ReturnType<Interceptor>

/**
 * Interceptors of a connection. The SDK's retries run on timers of their own: one that comes due after
 * `close()` throws where nobody can catch it, and the process dies while it stops in order. Here its
 * call ends as cancelled, which is not retried and reaches the caller as a rejection.
 */
export function callInterceptors(): Interceptor[] {
  return [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endAfterClose]
}

const endAfterClose: Interceptor = (options, nextCall) => {
  try {
    // The innermost interceptor: what the channel answers is a call like the ones it is declared as.
    return nextCall(options) as InterceptingCall
  } catch (error) {
    if (!isClosedChannel(error)) throw error
    return cancelledCall() as InterceptingCall
  }
}

/** The words of grpc-js 1.14, which has no type or code for it. */
function isClosedChannel(error: unknown): boolean {
  return error instanceof Error && error.message === 'Channel has been shut down'
}

/** A call that ends as cancelled as soon as it starts. */
function cancelledCall(): ReturnType<Parameters<Interceptor>[1]> {
  const ended = {
    code: status.CANCELLED,
    details: 'the connection is closed',
    metadata: new Metadata(),
  }
  return {
    start: (_metadata, listener) => {
      process.nextTick(() => {
        listener?.onReceiveMessage?.(null)
        listener?.onReceiveStatus?.(ended)
      })
    },
    cancelWithStatus: () => {},
    getPeer: () => 'closed',
    sendMessageWithContext: () => {},
    sendMessage: () => {},
    startRead: () => {},
    halfClose: () => {},
    getAuthContext: () => null,
  }
}
