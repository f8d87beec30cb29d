import { AsyncResource } from 'node:async_hooks';

/** A property of functions that are bound to an `AsyncResource`, in Node before 25. It makes them expensive. */
const expensiveProperty = 'asyncResource';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Makes `AsyncResource.bind` omit the deprecated property `asyncResource`, like Node 25 (DEP0172). In earlier versions each bound
 * function gets two accessors that become prototypes of other objects. V8 frees the accessors and the request only with the
 * whole old generation. Fastify binds one function per body, Node one per HTTP/2 stream. See ADR 15.
 */
export function bindLeanly(): void {
  if (!(expensiveProperty in new AsyncResource('probe').bind(() => undefined))) return;
  AsyncResource.prototype.bind = function (this: AsyncResource, bound: AnyFunction, thisArg?: unknown): AnyFunction {
    const inScope = (self: unknown, args: unknown[]) =>
      this.runInAsyncScope(bound, thisArg === undefined ? self : thisArg, ...args);
    return function (...args) {
      return inScope(this, args);
    };
  } as AsyncResource['bind'];
}
