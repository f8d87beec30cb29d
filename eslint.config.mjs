import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const allow = (sourceTag, ...tags) => ({
  sourceTag: `layer:${sourceTag}`,
  onlyDependOnLibsWithTags: tags.map((tag) => `layer:${tag}`),
});

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '.nx', '.data', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js'],
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
      // Nest injects classes by their runtime value, which a type import would erase.
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'prom-client',
              importNames: ['Counter', 'Histogram', 'Summary'],
              message:
                'Use declareCounter or declareHistogram of @pns/runtime, so that each series is 0 from the start.',
            },
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read the environment in env.ts; docs/adr tells why.' },
      ],
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allowCircularSelfDependency: true,
          depConstraints: [
            allow('composition', 'composition', 'app', 'stage', 'transport', 'platform', 'domain'),
            allow('app', 'stage', 'transport', 'platform', 'domain'),
            allow('stage', 'stage', 'platform', 'domain'),
            allow('transport', 'transport-platform', 'domain'),
            allow('transport-platform', 'domain'),
            allow('platform', 'platform', 'domain'),
            { ...allow('domain', 'domain'), bannedExternalImports: ['@nestjs/*', 'typeorm', 'bullmq', 'ioredis'] },
          ],
        },
      ],
    },
  },
  {
    files: ['**/env.ts', '**/*spec.ts', 'libs/local-servers/**/*.ts', 'apps/e2e/**/*.ts', 'jest.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Declares the others; and requests are counted by routes, which nobody knows before they are registered.
    files: ['libs/runtime/src/metrics.ts', 'libs/runtime/src/http-metrics.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
);
