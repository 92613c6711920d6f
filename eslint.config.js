// Lint settings. What is peculiar to this project is the layer order: see docs/internals.md, and test/tooling/layers.test.ts,
// which plants violations and expects each of them to be caught.
import js from '@eslint/js'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

/** Each part, a folder or one file, and the parts it may import. A part always sees itself and config/ (without load.ts). */
const MAY_IMPORT = {
  config: [],
  'runtime/core': [],
  'runtime/messages.ts': [],
  'runtime/cron': ['runtime/core'],
  'runtime/store': ['runtime/core', 'runtime/messages.ts'],
  'runtime/jobs': ['runtime/core', 'runtime/messages.ts', 'runtime/store'],
  'runtime/worker': ['runtime/core', 'runtime/messages.ts', 'runtime/store', 'runtime/jobs'],
  'runtime/workflow': ['runtime/core', 'runtime/messages.ts', 'runtime/store', 'runtime/jobs'],
  'runtime/archive': ['runtime/core', 'runtime/messages.ts', 'runtime/store', 'runtime/jobs'],
  'runtime/metrics': ['runtime/core', 'runtime/messages.ts', 'runtime/store'],
  'runtime/inspect': [
    'runtime/core',
    'runtime/messages.ts',
    'runtime/cron',
    'runtime/store',
    'runtime/jobs',
    'runtime/workflow',
    'runtime/archive',
  ],
  scheduler: [
    'runtime/core',
    'runtime/messages.ts',
    'runtime/cron',
    'runtime/store',
    'runtime/jobs',
    'runtime/workflow',
  ],
  web: [
    'runtime/core',
    'runtime/messages.ts',
    'runtime/store',
    'runtime/jobs',
    'runtime/workflow',
    'runtime/archive',
    'runtime/inspect',
  ],
}
const PARTS = [...Object.keys(MAY_IMPORT), 'cli']
/** For the package's users; inside it, a part imports the file that has what it needs. */
const PUBLIC_FACES = ['runtime/index.ts', 'runtime/testing']
/** Reads the environment and the disk, so it is called once, at the top. */
const LOADS_CONFIG = ['runtime/jobs/default-client.ts']

const zones = [
  ...Object.entries(MAY_IMPORT).map(([part, allowed]) => ({
    target: `./${part}`,
    from: PARTS.filter((other) => ![part, 'config', ...allowed].includes(other)).map((other) => `./${other}`),
    message: `${part} may import only: ${['config', ...allowed].join(', ')}`,
  })),
  {
    target: PARTS.map((part) => `./${part}`),
    from: [...PUBLIC_FACES, 'src', 'examples', 'bench', 'test'].map((path) => `./${path}`),
    message:
      'the product imports the file that has what it needs, never its public face, sample jobs, benches or tests',
  },
  {
    target: PARTS.filter((part) => !['config', 'cli', 'runtime/jobs'].includes(part)).map((part) => `./${part}`),
    from: './config/load.ts',
    message: 'only cli/ and the default client load the configuration; take your slice as an argument',
  },
  {
    target: ['./src', './examples'],
    from: PARTS.map((path) => `./${path}`),
    message: "import from 'resque-runtime', as an application does",
  },
]

const APPLICATIONS = ['fastify', 'jest', 'nestjs', 'nextjs', 'outbox', 'progress-page', 'starter', 'vitest']

const CUT_ADVICE = 'a text that people wrote is cut between characters: use head() or clip() of config/clip.ts'
const WORDS = '/^(text|line|message|note|label|reason|flat|json|name|value|output)$/'
/** `text.slice(0, 80)` and the like; a cut at a place that was searched for (`at`, `space`) splits no character. */
const CUT_TEXTS = [
  'CallExpression[callee.property.name=/^(substring|substr)$/]',
  ...['callee.object.name', 'callee.object.property.name'].map(
    (object) =>
      `CallExpression[callee.property.name='slice'][${object}=${WORDS}][arguments.0.value=0][arguments.1][arguments.1.name!=/^(at|space)$/]`,
  ),
]

const SCHEDULE_ADVICE =
  'of node-schedule only what it documents: scheduleJob with a date or rule, and reschedule, nextInvocation, cancel of the Job'
/** Other names of node-schedule, what its classes keep to themselves, and what overrides their methods. */
const NOT_OF_NODE_SCHEDULE = [
  ...[
    'ImportSpecifier[imported.name!=/^(scheduleJob|Job)$/]',
    'ImportDefaultSpecifier',
    'ImportNamespaceSpecifier',
  ].map((name) => `ImportDeclaration[source.value='node-schedule'] > ${name}`),
  'MemberExpression[property.name=/^(_|prototype$|pendingInvocations$)/]',
  'MemberExpression[property.value=/^(_|prototype$)/]',
  "[superClass.name='Job']",
]
const restricted = (selectors, message) => selectors.map((selector) => ({ selector, message }))

const size = (max) => ['error', { max, skipBlankLines: true, skipComments: true }]

export default tseslint.config(
  {
    ignores: ['dist/', '/coverage/', '.runtime/', '**/*.generated.ts', 'test/fixtures/broken/', 'node_modules/'],
  },
  {
    // Applications with dependencies of their own; script/test-examples installs, compiles and tests them.
    ignores: APPLICATIONS.map((name) => `examples/${name}/`),
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      // Without this no-cycle parses no .ts file and reports nothing.
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [
        createNodeResolver({
          conditionNames: ['source', 'node', 'import', 'default'],
          extensions: ['.ts', '.js', '.json'],
        }),
      ],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-self-import': 'error',
      'import-x/no-unresolved': 'error',
      'max-lines': ['error', 250],
      'max-lines-per-function': size(60),
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-restricted-globals': ['error', { name: '__dirname', message: 'ESM: import.meta.dirname or a URL' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A method of a contract may be async in one implementation and have nothing to wait for in another.
      '@typescript-eslint/require-await': 'off',
      // Template strings are how messages are made; numbers, booleans and causes belong in them.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
    },
  },
  {
    // Docstrings of the public API, with their examples, do not count.
    files: ['runtime/jobs/{client,default-client,job}.ts', 'runtime/workflow/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 250, skipComments: true }] },
  },
  {
    // Half an emoji at the end of a text that was cut is JSON that neither Ruby nor Redis's cjson reads.
    files: PARTS.map((part) => `${part}/**/*.ts`),
    ignores: ['config/clip.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...restricted(CUT_TEXTS, CUT_ADVICE)],
    },
  },
  {
    files: ['scheduler/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...restricted(CUT_TEXTS, CUT_ADVICE),
        ...restricted(NOT_OF_NODE_SCHEDULE, SCHEDULE_ADVICE),
      ],
    },
  },
  {
    files: ['runtime/core/**/*.ts', 'runtime/workflow/**/*.ts', 'scheduler/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'take settings as arguments; config/ reads the environment' },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['runtime/store/**', 'test/**', 'bench/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'ioredis', message: 'only runtime/store talks to Redis', allowTypeImports: false }] },
      ],
    },
  },
  {
    // LOADS_CONFIG is the one file of its layer that may.
    files: ['runtime/jobs/**/*.ts'],
    ignores: LOADS_CONFIG,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'ioredis', message: 'only runtime/store talks to Redis' }],
          patterns: [
            { group: ['**/config/load.ts'], message: 'only cli/ and the default client load the configuration' },
          ],
        },
      ],
    },
  },
  {
    // By its name the package is found at the same path, so these are told apart by how they are written.
    files: ['src/**/*.ts', 'examples/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/runtime/index.ts', '**/runtime/testing/**'],
              message: "import from 'resque-runtime', as an application does",
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'script/**/*.ts', 'src/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-console': 'off',
      // node:test returns a promise from describe() and it() that nobody needs to await.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['describe', 'it', 'test', 'suite'] },
          ],
        },
      ],
    },
  },
  {
    // Tests reach for what the types forbid, and read JSON they know the shape of.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // An application's hook and preload files, as users write them; and settings of tools that ask for a default export.
    files: ['config/hooks.ts', 'config/preload.ts', 'test/fixtures/**', 'eslint.config.js'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        performance: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
      },
    },
  },
  {
    files: ['bin/*.js'],
    languageOptions: { sourceType: 'commonjs' },
  },
  {
    // The one file that browsers run.
    files: ['web/assets/*.js'],
    languageOptions: {
      globals: {
        document: 'readonly',
        window: 'readonly',
        navigator: 'readonly',
        Intl: 'readonly',
        CustomEvent: 'readonly',
      },
    },
  },
)
