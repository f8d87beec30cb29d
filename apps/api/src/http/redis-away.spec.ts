import { isRedisAway } from './redis-away';

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

it.each([
  [new Error("Stream isn't writeable and enableOfflineQueue options is false"), true],
  [new Error('Connection is closed.'), true],
  [new Error('Command timed out'), true],
  [new Error('Too many Cluster redirections. Last error: Error: Connection is closed.'), true],
  [new Error('None of startup nodes is available'), true],
  [replyError('CLUSTERDOWN The cluster is down'), true],
  [replyError('LOADING Redis is loading the dataset in memory'), true],
  [replyError("READONLY You can't write against a read only replica."), true],
  [replyError("OOM command not allowed when used memory > 'maxmemory'."), false],
  [replyError('WRONGTYPE Operation against a key holding the wrong kind of value'), false],
  [new Error('LOADING'), false],
  [new Error('Connection terminated unexpectedly'), false],
  ['Connection is closed.', false],
])('%s means that Redis is not reachable: %s', (error, expected) => {
  expect(isRedisAway(error)).toBe(expected);
});
