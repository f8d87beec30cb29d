import { extraHealthPort } from './env';

it.each<[string, NodeJS.ProcessEnv, number | undefined]>([
  ['is not opened unless it is named, so that several nodes run on one host', {}, undefined],
  ['is not opened for an empty name, as Compose passes it', { PNS_HEALTH_PORT: '' }, undefined],
  ['is the one that is named', { PNS_HEALTH_PORT: '3003' }, 3003],
])('a port of its own for health checks %s', (_, env, port) => {
  expect(extraHealthPort(env)).toBe(port);
});

it('a port of its own for health checks must be a number', () => {
  expect(() => extraHealthPort({ PNS_HEALTH_PORT: 'x' })).toThrow('PNS_HEALTH_PORT');
});
