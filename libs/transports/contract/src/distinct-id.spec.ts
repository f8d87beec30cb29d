import { distinctId, identifiedBy } from './distinct-id';

it.each([{ id: '4711' }, { id: '4711', producer: 'Xk3_-' }])('%j can be read again from its distinct id', (of) => {
  expect(identifiedBy(distinctId(of))).toEqual(of);
});

it('the distinct id of a notification without a producer is its id', () => {
  expect(distinctId({ id: '4711' })).toBe('4711');
});
