/**
 * Who may import whom: the law of docs/architecture.md. A folder that is not listed under `MAY`
 * (values) or `MAY_TYPES` (`import type` only) must not be imported from; nothing imports `test/`.
 */
const MAY = {
  domain: [],
  jobs: ['domain'],
  config: [],
  workflows: ['domain', 'jobs'],
  activities: ['domain', 'jobs', 'operations', 'platform'],
  operations: ['domain', 'jobs', 'platform'],
  platform: ['domain', 'jobs', 'config'],
  adapters: ['domain', 'platform'],
  db: ['domain', 'platform'],
  simulator: ['domain', 'platform'],
  workers: ['operations', 'domain', 'jobs', 'config', 'platform', 'activities', 'adapters', 'db'],
  api: ['operations', 'domain', 'jobs', 'config', 'platform', 'adapters', 'db', 'client'],
  client: [],
  cli: ['operations', 'domain', 'jobs', 'config', 'platform', 'adapters', 'db'],
}

const MAY_TYPES = {
  jobs: ['workflows'],
  workflows: ['activities'],
  platform: ['workflows'],
  api: ['workflows'],
}

/** Outside packages by folder, as a pattern over the package's name; Node's own modules are `node:`. */
const MAY_PACKAGES = {
  domain: [],
  jobs: ['zod'],
  config: ['zod'],
  workflows: ['@temporalio/workflow', '@temporalio/common'],
  activities: ['@temporalio/activity', '@temporalio/common'],
  operations: [],
  client: [],
}

/** Pure code: not even Node's built-in modules. */
const WITHOUT_BUILTINS = ['domain', 'jobs', 'config', 'workflows', 'client']

const CODE = Object.keys(MAY).join('|')
const anyOf = (names) => `^(${names.join('|')})/`

/** The values and the types a folder must not import. */
function folderRules([from, values]) {
  const types = [...values, ...(MAY_TYPES[from] ?? [])]
  return [
    {
      name: `${from}-values`,
      severity: 'error',
      from: { path: `^${from}/` },
      to: {
        path: `^(${CODE}|test|bench|acceptance|scripts)/`,
        pathNot: anyOf([from, ...values]),
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: `${from}-types`,
      severity: 'error',
      from: { path: `^${from}/` },
      to: {
        path: `^(${CODE}|test|bench|acceptance|scripts)/`,
        pathNot: anyOf([from, ...types]),
        dependencyTypes: ['type-only'],
      },
    },
  ]
}

/** The packages a folder must not import, values or types. */
function packageRule([from, packages]) {
  const allowed = packages.map((name) => name.replaceAll('/', '\\/'))
  return {
    name: `${from}-packages`,
    severity: 'error',
    from: { path: `^${from}/` },
    to: {
      dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
      ...(allowed.length === 0 ? {} : { pathNot: `node_modules/(${allowed.join('|')})(/|$)` }),
    },
  }
}

export default {
  forbidden: [
    ...Object.entries(MAY).flatMap(folderRules),
    ...Object.entries(MAY_PACKAGES).map(packageRule),
    {
      name: 'pure-code-without-builtins',
      severity: 'error',
      from: { path: anyOf(WITHOUT_BUILTINS) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sql-only-in-db',
      severity: 'error',
      comment: 'a use case that holds SQL cannot be tried without a database',
      from: { path: `^(${CODE})/`, pathNot: '^(db|platform/embedded)/' },
      to: { path: 'node_modules/(pg|kysely)(/|$)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tracing-on-demand',
      severity: 'error',
      comment: 'whoever sends no spans is not to load what sends them',
      from: { path: `^(${CODE})/`, pathNot: '^platform/tracing/(otlp|ids|span-exporter)\\.ts$' },
      to: { path: 'node_modules/@opentelemetry/', pathNot: 'node_modules/@opentelemetry/api(/|$)' },
    },
    {
      name: 'tracing-loaded-late',
      severity: 'error',
      comment: 'whoever sends no spans is not to load what sends them',
      from: { path: `^(${CODE})/`, pathNot: '^platform/tracing/otlp\\.ts$' },
      to: {
        path: '^platform/tracing/(otlp|ids)\\.ts$',
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 'no-production-use-of-dev-packages',
      severity: 'error',
      from: { path: `^(${CODE})/` },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'oracle-stands-alone',
      severity: 'error',
      comment: 'what shares code with the product shares its mistakes',
      from: { path: '^acceptance/oracle/' },
      to: { path: `^(${CODE}|test|bench|acceptance|scripts)/`, pathNot: '^acceptance/oracle/' },
    },
    {
      name: 'acceptance-without-tests',
      severity: 'error',
      from: { path: '^acceptance/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: `^(${CODE}|test|bench|acceptance|scripts)/` },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.groundstop|dist|coverage)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
