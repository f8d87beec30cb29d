import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from 'jest';

// .swcrc is read here and passed on, because swc would otherwise look for one beside each transformed file.
const swc = { ...(JSON.parse(readFileSync(join(__dirname, '.swcrc'), 'utf8')) as object), swcrc: false };

/** These are published as ES modules only, and Jest on Node 20 cannot `require` those. */
const esModuleOnly = ['@noble', 'content-disposition', 'jose'];

const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@pns/source', 'node', 'require', 'default'] },
  setupFiles: ['reflect-metadata'],
  transform: { '^.+\\.[tj]s$': ['@swc/jest', swc] as [string, Record<string, unknown>] },
  transformIgnorePatterns: [`/node_modules/(?!(${esModuleOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['/dist/', '/.data/', '/.nx/'],
};

const config: Config = {
  // A bound for tests that hang, not for slow ones, because machines differ and may be busy.
  testTimeout: 30_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts'] },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,libs}/**/*.int-spec.ts'],
      globalSetup: '<rootDir>/libs/local-servers/src/jest-global-setup.ts',
      globalTeardown: '<rootDir>/libs/local-servers/src/jest-global-teardown.ts',
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/apps/e2e/**/*.e2e-spec.ts'],
      globalSetup: '<rootDir>/libs/local-servers/src/jest-global-setup.ts',
      globalTeardown: '<rootDir>/libs/local-servers/src/jest-global-teardown.ts',
    },
  ],
};

export default config;
