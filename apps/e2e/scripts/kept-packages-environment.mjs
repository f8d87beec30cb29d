import { TestEnvironment } from 'jest-environment-node';

/** The parts of the first environment of this process, which all later environments use. */
let kept;
let keptGlobals;

/**
 * One global object for all test files that a Jest process runs. A package that stays loaded (see `kept-packages-runtime.cjs`)
 * uses the global object with which it was loaded. Each file starts without the globals that other files have added. It also gets
 * a new `process` without the variables and listeners of other files.
 */
export default class KeptPackagesEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { process } = this.global;
    const { global, context: vmContext, fakeTimers, fakeTimersModern, moduleMocker } = this;
    kept ??= { global, context: vmContext, fakeTimers, fakeTimersModern, moduleMocker };
    keptGlobals ??= new Set(Reflect.ownKeys(global));
    Object.assign(this, kept);
    this.global.process = process;
  }

  /** Unlike Jest's teardown, this leaves the global object usable. */
  async teardown() {
    this.fakeTimersModern.useRealTimers();
    const added = Reflect.ownKeys(this.global).filter((key) => !keptGlobals.has(key));
    // A few globals cannot be deleted: the properties of `expect`, which the next file sets again.
    for (const key of added) Reflect.deleteProperty(this.global, key);
  }
}
