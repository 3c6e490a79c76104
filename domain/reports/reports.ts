/** What reports there are: closed sets of names, from which paths follow. */

/** Of kept figures, with a job each. */
export const FIGURE_REPORTS = ['weekly-trends', 'executive-summary'] as const
/** Of a month, all by the job `report`. */
export const NAMED_REPORTS = ['usage', 'audit', 'performance'] as const
/** All of them, in the order in which lists show them. */
export const REPORTS = [...FIGURE_REPORTS, ...NAMED_REPORTS] as const

/** The name of a report of kept figures. */
export type FigureReport = (typeof FIGURE_REPORTS)[number]
/** The name of a report of a month. */
export type NamedReport = (typeof NAMED_REPORTS)[number]
/** The name of a report. */
export type Report = (typeof REPORTS)[number]

/** What people call a report. */
export const REPORT_TITLES: Readonly<Record<Report, string>> = {
  'weekly-trends': 'Weekly trends',
  'executive-summary': 'Executive summary',
  usage: 'Usage',
  audit: 'Audit',
  performance: 'Performance',
}
