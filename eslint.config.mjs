import js from '@eslint/js';
import { createProjectGraphAsync, readCachedProjectGraph } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// Without a project graph, Nx's rule on module boundaries checks nothing and lint passes. So the graph is created here, and lint
// fails with the reason if there is none. The daemon of Nx is off, because it would continue to run after lint.
process.env.NX_DAEMON = 'false';
await createProjectGraphAsync({ exitOnError: false });
readCachedProjectGraph();

const allow = (sourceTag, ...tags) => ({
  sourceTag: sourceTag.includes(':') ? sourceTag : `layer:${sourceTag}`,
  onlyDependOnLibsWithTags: tags.map((tag) => (tag.includes(':') ? tag : `layer:${tag}`)),
});

/** Tags in the order of a notification's trip: a stage may import later stages. A project of `layer:stage` has one of them. */
const stages = ['stage:1', 'stage:2', 'stage:3', 'stage:4'];

/** Domain and transports are plain TypeScript: they use no framework, queue or database. */
const bannedExternalImports = ['@nestjs/*', 'typeorm', 'bullmq', 'ioredis', 'pg', 'fastify'];

/** The options of Nx's rule. `testing` lists the layers that tests may import, in addition to the layers for all code. */
const moduleBoundaries = (stagesAfter, ...testing) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allowCircularSelfDependency: true,
    depConstraints: [
      allow('composition', 'composition', 'app', 'stage', 'transport', 'platform', 'domain', 'testing'),
      allow('app', 'stage', 'transport', 'platform', 'domain', ...testing),
      allow('stage', 'stage', 'platform', 'domain', ...testing),
      ...stages.map((stage) => allow(stage, ...stagesAfter(stage), 'platform', 'domain', ...testing)),
      { ...allow('transport', 'transport-platform', 'domain', ...testing), bannedExternalImports },
      { ...allow('transport-platform', 'domain', ...testing), bannedExternalImports },
      allow('platform', 'platform', 'domain', ...testing),
      { ...allow('domain', 'domain', ...testing), bannedExternalImports },
      allow('testing', 'testing', 'stage', 'transport', 'platform', 'domain'),
    ],
  },
];

const counters = {
  name: 'prom-client',
  importNames: ['Counter', 'Histogram', 'Summary'],
  message: 'Use declareCounter or declareHistogram of @pns/runtime, so that each series is 0 from the start.',
};

const testData = {
  group: ['**/testing', '**/testing/**'],
  message: 'What lies under testing/ is left out of the build; only tests may import it.',
};

/** Tests, and code that only tests use. */
const tests = [
  '**/*spec.ts',
  '**/testing/**/*.ts',
  'libs/{local-servers,sandbox}/**/*.ts',
  'apps/{bench,chaos,e2e}/**/*.ts',
];

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '.nx', '.data', 'coverage', 'libs/client/src/openapi.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // Modules of Nest are classes without members.
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-restricted-imports': ['error', { paths: [counters], patterns: [testData] }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read the environment in env.ts; docs/adr has the reason.' },
      ],
      '@nx/enforce-module-boundaries': moduleBoundaries((stage) => stages.slice(stages.indexOf(stage))),
    },
  },
  {
    files: ['**/env.ts', '**/*spec.ts', 'libs/local-servers/**/*.ts', 'apps/{chaos,e2e}/**/*.ts', 'jest.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: tests,
    rules: {
      'no-restricted-imports': ['error', { paths: [counters] }],
      '@nx/enforce-module-boundaries': moduleBoundaries(() => stages, 'testing'),
    },
  },
  {
    // These files use prom-client directly: metrics.ts declares the counters and histograms of all other files, and
    // http-metrics.ts has labels for routes, which are known only after their registration.
    files: ['libs/runtime/src/metrics.ts', 'libs/runtime/src/http-metrics.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [testData] }] },
  },
);
