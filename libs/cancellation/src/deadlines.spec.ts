import { Deadlines } from './deadlines';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

let deadlines: Deadlines;
let givenUp: string[];
const add = (name: string): (() => void) => deadlines.add(() => givenUp.push(name));

beforeEach(() => {
  deadlines = new Deadlines(1000);
  givenUp = [];
});

it('calls each function after its own time, with one timer', () => {
  add('first');
  jest.advanceTimersByTime(400);
  add('second');
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(599);
  expect(givenUp).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(givenUp).toEqual(['first']);
  jest.advanceTimersByTime(400);
  expect(givenUp).toEqual(['first', 'second']);
  expect(jest.getTimerCount()).toBe(0);
});

it('does not call functions that were removed in time, and calls later ones', () => {
  const done = add('first');
  jest.advanceTimersByTime(10);
  add('second');
  done();
  jest.advanceTimersByTime(2000);
  expect(givenUp).toEqual(['second']);
});

it('has no timer without functions', () => {
  const done = add('first');
  done();
  expect(jest.getTimerCount()).toBe(0);
  add('second');
  jest.advanceTimersByTime(1000);
  expect(givenUp).toEqual(['second']);
});

it('accepts functions that are added while others are called', () => {
  deadlines.add(() => {
    givenUp.push('first');
    add('again');
  });
  add('second');
  jest.advanceTimersByTime(1000);
  expect(givenUp).toEqual(['first', 'second']);
  jest.advanceTimersByTime(1000);
  expect(givenUp).toEqual(['first', 'second', 'again']);
  expect(jest.getTimerCount()).toBe(0);
});
