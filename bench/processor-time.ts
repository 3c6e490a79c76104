/** Processor time of processes, from the kernel's own count. Linux only. */
import { readFileSync } from 'node:fs'

/** Kernel ticks per second as user space sees them: 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100

/** Where fields are counted from after the name in parentheses, see proc(5). */
const PARENT_FIELD = 1
const TIME_FIELDS = [11, 15] as const

/** Of a process and all its descendants, also those that have ended. Seconds. */
export function cpuSecondsOf(pid: number): number {
  const ticks = fieldsOf(pid)
    .slice(...TIME_FIELDS)
    .reduce((sum, field) => sum + Number(field), 0)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const pids = children === '' ? [] : children.split(' ').map(Number)
  return ticks / TICKS_PER_S + pids.reduce((sum, child) => sum + cpuSecondsOf(child), 0)
}

/** The process that started another one. */
export function parentOf(pid: number): number {
  return Number(fieldsOf(pid)[PARENT_FIELD])
}

function fieldsOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
