import { QueryFailedError } from 'typeorm';
import { log } from './log';

const write = jest.spyOn(process.stdout, 'write');
afterAll(() => write.mockRestore());

/** The log line with these fields. */
function lineOf(fields: object): Promise<string> {
  return new Promise((resolve) => {
    write.mockImplementation((line) => {
      resolve(String(line));
      return true;
    });
    log.error({ event: 'delivery.fault', ...fields });
  });
}

const logged = async (err: unknown): Promise<unknown> => (JSON.parse(await lineOf({ err })) as { err: unknown }).err;

const refusedCommand = Object.assign(new Error('OOM command not allowed'), {
  name: 'ReplyError',
  command: { name: 'set', args: ['key', 'secret'] },
});
const takenToken = Object.assign(new Error('duplicate key value violates unique constraint "subscription_token"'), {
  code: '23505',
  detail: 'Key (token)=(secret) already exists.',
});
const refusedQuery = new QueryFailedError('INSERT INTO subscription VALUES ($1)', ['secret'], takenToken);

it('logs the type and the stack of an error and of its causes', async () => {
  const errors = new AggregateError([refusedQuery], 'all failed', { cause: refusedCommand });
  await expect(logged(errors)).resolves.toEqual({
    ...{ type: 'AggregateError', message: 'all failed', stack: errors.stack },
    cause: {
      type: 'ReplyError',
      message: refusedCommand.message,
      stack: refusedCommand.stack?.replace(/^\w+/, 'ReplyError'),
    },
    aggregateErrors: [
      { type: 'QueryFailedError', message: takenToken.message, stack: refusedQuery.stack, code: '23505' },
    ],
  });
});

it('logs a thrown value that is not an error, and an error that is its own cause', async () => {
  await expect(logged('a text')).resolves.toMatchObject({ type: 'Error', message: 'a text' });
  const circular = new Error('circular');
  circular.cause = circular;
  await expect(logged(circular)).resolves.toMatchObject({ cause: { message: 'circular' } });
});

it.each<[string, Error]>([
  ['a command that Redis refuses', refusedCommand],
  ['a query that Postgres refuses', refusedQuery],
  ['a value that Postgres cannot read', new Error('invalid input syntax for type uuid: "secret"')],
  ['a command that Redis does not know', new Error("ERR unknown command 'X', with args beginning with: 'secret' ")],
  ['a text that is not JSON', syntaxErrorOf('secret')],
  ['a long text that is not JSON', syntaxErrorOf('{"subject": secret, "and":"so on"}')],
])('logs no value of %s', async (_, err) => {
  expect(await lineOf({ err })).not.toContain('secret');
  expect(await lineOf({ reason: err.message })).not.toContain('secret');
});

function syntaxErrorOf(text: string): Error {
  try {
    return JSON.parse(text) as never;
  } catch (error) {
    return error as Error;
  }
}
