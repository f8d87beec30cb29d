import { pingFrame } from './websocket.payload';

describe('a ping frame', () => {
  it.each<[number, number[]]>([
    [1, [0x89, 4, 0, 0, 0, 1]],
    [65_538, [0x89, 4, 0, 1, 0, 2]],
    [0xffffffff, [0x89, 4, 0xff, 0xff, 0xff, 0xff]],
  ])('carries %d as four bytes, final and unmasked', (number, bytes) => {
    expect([...pingFrame(number)]).toEqual(bytes);
  });
});
