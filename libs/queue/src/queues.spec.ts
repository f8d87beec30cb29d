import { assertJobVersion } from './queues';

it.each([undefined, null, 1, 'v', [], {}, { v: '1' }, { v: 2 }, { v: { toString: 1 } }])(
  'refuses the job data %j with its format',
  (data) => {
    expect(() => assertJobVersion('tick', data)).toThrow(
      /^A tick job has format .*, but this version reads format 1\.$/,
    );
  },
);
