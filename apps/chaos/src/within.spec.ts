import { within } from './within';

const never = (): Promise<void> => new Promise(() => undefined);

it('names what did not happen in time', async () => {
  await expect(within(1, 'the end of a worker', never())).rejects.toThrow(
    'This did not happen within 0.001 s: the end of a worker.',
  );
});

it('returns the result of the work, or its error', async () => {
  await expect(within(60_000, 'an answer', Promise.resolve(7))).resolves.toBe(7);
  await expect(within(60_000, 'an answer', Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});
