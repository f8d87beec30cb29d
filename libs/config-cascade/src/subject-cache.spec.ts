import { SubjectCache } from './subject-cache';

const longest = 'x'.repeat(65_000);

it.each([
  ['values', { tags: [], properties: [{ name: 'a', value: longest, version: '1' }] }],
  ['tags', { tags: [longest], properties: [] }],
])('forgets the users that were not used for the longest time if the %s of all users are too long', async (_, own) => {
  const cache = new SubjectCache({
    subjects: (contexts, users) =>
      Promise.resolve({
        contexts: contexts.map((context) => ({ context, tags: [], properties: [], hasUsers: true })),
        users: users.map((key) => ({ ...key, ...own })),
      }),
  });
  const users = Array.from({ length: 1500 }, (__, index) => ({ context: 7, user: index + 1 }));
  for (let from = 0; from < users.length; from += 500) await cache.load(users.slice(from, from + 500));
  const known = users.filter((user) => cache.knows([user]));
  expect(known).toEqual(users.slice(-known.length));
  expect(known.length).toBeGreaterThan(1000);
  expect(known.length).toBeLessThan(1100);
});
