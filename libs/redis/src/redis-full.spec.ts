import { redisFullSentence } from './redis-full';

const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

it.each([
  ["OOM command not allowed when used memory > 'maxmemory'.", /memory limit.*Raise maxmemory/],
  ["OOM command not allowed when used memory > 'maxmemory'. script: 4ca2, on @user_script:67.", /Raise maxmemory/],
  ['ERR Error running script (call to f_4ca2): @user_script:67: -OOM command not allowed', /Raise maxmemory/],
  ['MISCONF Errors writing to the AOF file: No space left on device', /disk.*Free space/],
])('%s names the full resource and a remedy', (message, sentence) => {
  expect(redisFullSentence(replyError(message))).toMatch(sentence);
});

it.each([
  replyError('LOADING Redis is loading the dataset in memory'),
  replyError('WRONGTYPE Operation against a key holding the wrong kind of value'),
  new Error("OOM command not allowed when used memory > 'maxmemory'."), // not an answer of Redis
  new Error('Connection is closed.'),
  'OOM command not allowed',
])('%s does not mean that Redis is full', (error) => {
  expect(redisFullSentence(error)).toBeUndefined();
});
