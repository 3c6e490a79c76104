/** A job whose code is at fault: a plain error fails its task, over and over, and never the run. */

/** Stands in for the flight monitor. */
export async function flightMonitor(): Promise<never> {
  throw new Error('a mistake in the code')
}
