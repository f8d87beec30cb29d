import { AsyncResource } from 'node:async_hooks';

/** What a function bound to an `AsyncResource` has in Node before 25, and what makes it dear. */
const dearProperty = 'asyncResource';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Lets functions that are bound to an `AsyncResource` go without the deprecated property `asyncResource`, as Node 25 does
 * (DEP0172). Before that each of them gets two accessors of its own as prototypes of others, which V8 lets go of with the whole
 * old generation only, and with them the request: Fastify binds one for each body, Node one for each HTTP/2 stream. ADR 15.
 */
export function bindLeanly(): void {
  if (!(dearProperty in new AsyncResource('probe').bind(() => undefined))) return;
  AsyncResource.prototype.bind = function (this: AsyncResource, bound: AnyFunction, thisArg?: unknown): AnyFunction {
    const inScope = (self: unknown, args: unknown[]) =>
      this.runInAsyncScope(bound, thisArg === undefined ? self : thisArg, ...args);
    return function (...args) {
      return inScope(this, args);
    };
  } as AsyncResource['bind'];
}
