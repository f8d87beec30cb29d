import { readEnvironment } from './env';

describe('readEnvironment', () => {
  it('gives defaults and converts', () => {
    const env = readEnvironment(['PNS_API_PORT', 'PNS_SHARDS'], { PNS_SHARDS: '16' });
    expect(env).toMatchObject({ PNS_API_PORT: 3000, PNS_SHARDS: 16, PNS_LOG_LEVEL: 'info' });
  });

  it('reads a list of encryption keys, in hex and in base64', () => {
    const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    const text = `${keys[0].toString('hex')}, ${keys[1].toString('base64')}`;
    expect(readEnvironment(['PNS_ENCRYPTION_KEY'], { PNS_ENCRYPTION_KEY: text }).PNS_ENCRYPTION_KEY).toEqual(keys);
  });

  it.each([
    'redis://:secret@one:6379/1',
    'rediss://one',
    'redis-cluster://one,two:7000',
    'rediss-cluster://a:b@one:7000/',
  ])('takes %s for the place of Redis', (url) => {
    expect(readEnvironment(['REDIS_URL'], { REDIS_URL: url }).REDIS_URL).toBe(url);
  });

  it.each([
    'http://one',
    'redis-cluster://',
    'redis-cluster://one,',
    'redis-cluster://one:7000/0',
    'redis-cluster://a@b@c',
  ])('does not take %s for it', (url) => {
    expect(() => readEnvironment(['REDIS_URL'], { REDIS_URL: url })).toThrow('REDIS_URL: must be a redis://');
  });

  it.each([
    ['an unknown name', { PNS_API_PROT: '3000' }, 'PNS_API_PROT'],
    ['a port that is none', { PNS_API_PORT: 'eighty' }, 'PNS_API_PORT'],
    ['a port out of range', { PNS_API_PORT: '70000' }, 'PNS_API_PORT'],
    ['a missing value', { DATABASE_URL: '' }, 'DATABASE_URL: is not set'],
    ['another database', { DATABASE_URL: 'mysql://db' }, 'DATABASE_URL'],
    ['a short secret', { PNS_SESSION_SECRET: 'short' }, 'PNS_SESSION_SECRET'],
    ['an encryption key of 16 bytes', { PNS_ENCRYPTION_KEY: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'openssl rand -base64 32'],
    [
      'the development key in production',
      { NODE_ENV: 'production', PNS_BOOTSTRAP_API_KEY: 'pns-development-key' },
      'PNS_BOOTSTRAP_API_KEY',
    ],
  ])('stops at %s', (_, wrong, sentence) => {
    const complete = {
      DATABASE_URL: 'postgres://localhost/pns',
      PNS_BOOTSTRAP_API_KEY: 'a key of sixteen characters',
      PNS_SESSION_SECRET: 'a secret of sixteen characters',
      PNS_ENCRYPTION_KEY: 'ab'.repeat(32),
    };
    const needed = [
      'PNS_API_PORT',
      'DATABASE_URL',
      'PNS_BOOTSTRAP_API_KEY',
      'PNS_SESSION_SECRET',
      'PNS_ENCRYPTION_KEY',
    ] as const;
    expect(() => readEnvironment(needed, { ...complete, ...wrong })).toThrow(sentence);
  });
});
