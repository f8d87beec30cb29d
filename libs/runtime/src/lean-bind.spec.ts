import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { bindLeanly } from './lean-bind';

bindLeanly();

const storage = new AsyncLocalStorage<string>();
const resourceIn = (store: string): AsyncResource => storage.run(store, () => new AsyncResource('test'));

it('binds without the property that keeps the bound function in memory', () => {
  expect(new AsyncResource('test').bind(() => undefined)).not.toHaveProperty('asyncResource');
});

it('calls a bound function in the scope of its resource, with the arguments, and returns its result', () => {
  const bound = resourceIn('a request').bind((one: number, two: number) => `${storage.getStore()} ${one + two}`);
  expect(storage.run('something else', () => bound(1, 2))).toBe('a request 3');
});

it('throws the error of the function', () => {
  const bound = new AsyncResource('test').bind(() => {
    throw new Error('no');
  });
  expect(bound).toThrow('no');
});

it.each([
  ['the given one', { name: 'given' }, 'given'],
  ['its caller without one', undefined, 'caller'],
])('has %s as its this', (_, thisArg, expected) => {
  // Node documents a second argument, which its types do not have.
  const resource = new AsyncResource('test') as { bind: (bound: () => string, thisArg?: object) => () => string };
  const bound = resource.bind(function (this: { name: string }) {
    return this.name;
  }, thisArg);
  expect(bound.call({ name: 'caller' })).toBe(expected);
});

it('applies to the static bind too', () => {
  const bound = storage.run('outer', () => AsyncResource.bind(() => storage.getStore()));
  expect(bound()).toBe('outer');
});
