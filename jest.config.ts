/**
 * Checking the types of this file would take seconds at each start of Jest; `npm run typecheck` does it.
 *
 * @jest-config-loader-options {"transpileOnly": true}
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from 'jest';

// Node 24 loads this file as an ES module, which has no __dirname.
const rootDir = typeof __dirname === 'string' ? __dirname : process.cwd();

// .swcrc is read here and passed on, because swc would otherwise look for one beside each transformed file.
const swc = { ...(JSON.parse(readFileSync(join(rootDir, '.swcrc'), 'utf8')) as object), swcrc: false };

/** These are published as ES modules only, and Jest on Node 20 cannot `require` those. */
const esModuleOnly = ['@noble', 'content-disposition', 'jose'];

const shared = {
  rootDir,
  // Jest lists all files below these folders at each start. There are about a hundred times as many in node_modules.
  roots: ['<rootDir>/apps', '<rootDir>/libs'],
  runtime: '<rootDir>/apps/e2e/scripts/kept-packages-runtime.cjs',
  testEnvironment: '<rootDir>/apps/e2e/scripts/kept-packages-environment.mjs',
  testEnvironmentOptions: { customExportConditions: ['@pns/source', 'node', 'require', 'default'] },
  setupFiles: ['reflect-metadata'],
  transform: { '^.+\\.[tj]s$': ['@swc/jest', swc] as [string, Record<string, unknown>] },
  transformIgnorePatterns: [`/node_modules/(?!(${esModuleOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['/dist/', '/.data/', '/.nx/'],
};

const servers = {
  globalSetup: '<rootDir>/libs/local-servers/src/jest-global-setup.ts',
  globalTeardown: '<rootDir>/libs/local-servers/src/jest-global-teardown.ts',
};

const config: Config = {
  // A bound for tests that hang, not for slow ones, because machines differ and may be busy.
  testTimeout: 120_000,
  testSequencer: join(rootDir, 'apps', 'e2e', 'scripts', 'longest-first.mjs'),
  // A busy machine may need more than the default of half a second to end a worker without open handles.
  workerGracefulExitTimeout: 10_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts'] },
    { ...shared, ...servers, displayName: 'integration', testMatch: ['<rootDir>/{apps,libs}/**/*.int-spec.ts'] },
    { ...shared, ...servers, displayName: 'e2e', testMatch: ['<rootDir>/apps/{chaos,e2e}/**/*.e2e-spec.ts'] },
  ],
};

export default config;
