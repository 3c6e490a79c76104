/**
 * Checks the input of every run against its job's schema before the workflow's first line, because
 * the Web UI and the `temporal` command skip all other doors. Must not change the input's meaning.
 */
import {
  ApplicationFailure,
  workflowInfo,
  type WorkflowExecuteInput,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

import { checkInput, describeProblems } from '../../jobs/input.ts'
import { findJobOfWorkflow } from '../../jobs/registry.ts'

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        // Async, because what is thrown synchronously here fails the task and not the run.
        execute: async (input, next) => {
          // A replay has passed this door before, perhaps under an older, looser schema.
          if (!workflowInfo().unsafe.isReplaying) requireValidInput(input)
          return next(input)
        },
      },
    ],
  }
}

function requireValidInput({ args }: WorkflowExecuteInput): void {
  const { workflowType } = workflowInfo()
  const job = findJobOfWorkflow(workflowType)
  if (job === undefined) return // `unknownJob` answers.
  if (args.length !== 1) {
    throw invalidInput(`${job.name}: invalid input: one object expected, ${args.length} given`)
  }
  const check = checkInput(job, args[0])
  if (!check.ok) throw invalidInput(describeProblems(job.name, check.problems))
}

function invalidInput(message: string): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'InvalidInput', nonRetryable: true })
}
