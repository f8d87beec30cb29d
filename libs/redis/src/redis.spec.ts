import { clusterOf } from './redis';

const open = { username: '', password: '', isTls: false };

it.each([
  ['redis-cluster://one:7000', { ...open, nodes: [{ host: 'one', port: 7000 }] }],
  [
    'redis-cluster://10.0.0.1,two.example.com:7001/',
    {
      ...open,
      nodes: [
        { host: '10.0.0.1', port: 6379 },
        { host: 'two.example.com', port: 7001 },
      ],
    },
  ],
  [
    'rediss-cluster://pns:p%40%2C%3A@one:7000',
    { username: 'pns', password: 'p@,:', isTls: true, nodes: [{ host: 'one', port: 7000 }] },
  ],
  [
    'redis-cluster://:secret@one:7000',
    { username: '', password: 'secret', isTls: false, nodes: [{ host: 'one', port: 7000 }] },
  ],
  ['redis://one:6379', undefined],
  ['rediss://one:6379/2', undefined],
])('%s names nodes and an account', (url, expected) => {
  expect(clusterOf(url)).toEqual(expected);
});
