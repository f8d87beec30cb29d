const { isBuiltin } = require('node:module');
const { default: Runtime } = require('jest-runtime');

/** Loads packages for all test files of this process. It is never torn down, because packages load modules lazily too. */
let packages;

const isPath = (moduleName) => /^[./]/.test(moduleName);
const isOwn = (moduleName) => isPath(moduleName) || /^@(pns|jest)\//.test(moduleName) || isBuiltin(moduleName);

/**
 * Loads packages of node_modules once per Jest process, and only the modules of this repository again for each test file. Jest's
 * default is to load both again. With this default, a file that starts an app spends 3 s of CPU time on two thousand modules, and
 * keeps them in memory until a garbage collection. Needs `kept-packages-environment.mjs`.
 */
module.exports = class KeptPackagesRuntime extends Runtime {
  constructor(...args) {
    super(...args);
    packages ??= new Runtime(...args);
  }

  requireModuleOrMock(from, moduleName) {
    return isOwn(moduleName)
      ? super.requireModuleOrMock(from, moduleName)
      : packages.requireModuleOrMock(from, moduleName);
  }

  /** Loads the parts of Jest that run in the global object of the tests. A path names a file of the test framework. */
  requireInternalModule(from, moduleName) {
    return moduleName === undefined || isPath(moduleName) || isBuiltin(moduleName)
      ? super.requireInternalModule(from, moduleName)
      : packages.requireInternalModule(from, moduleName);
  }

  teardown() {
    super.teardown();
    // All test files share zod, so this resets the `customError` that `@pns/runtime` sets in it.
    packages.requireModuleOrMock(module.filename, 'zod').config({ customError: undefined });
  }
};
