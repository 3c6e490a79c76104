/** The door through which tests and people set fault switches: GET, POST and DELETE /__faults. */
import { FaultFileError, type FaultPlan } from './faults.ts'
import type { Answer, SimulatorRequest } from './http-server.ts'

export const FAULTS_PATH = '/__faults'

/** Shows, replaces or clears the switches. 400 with the field's name when the body is not right. */
export function answerFaults<Name extends string>(
  plan: FaultPlan<Name>,
  request: SimulatorRequest,
): Answer {
  try {
    if (request.method === 'POST') plan.set(JSON.parse(request.body))
    if (request.method === 'DELETE') plan.set({ faults: {} })
    return { status: 200, body: JSON.stringify(plan.describe()) }
  } catch (error) {
    if (error instanceof FaultFileError || error instanceof SyntaxError) {
      return { status: 400, body: JSON.stringify({ error: { message: error.message } }) }
    }
    throw error
  }
}
