import { ApiPart } from './api-part';
import type { FuzzPart } from './fuzz-part';
import { fuzzRun } from './fuzz-run';
import { fewApps, FuzzStack } from './fuzz-stack';
import { JobPart } from './job-part';
import { description } from './openapi-routes';
import { RawHttpPart } from './raw-http-part';
import { SocketPart } from './socket-part';

/** The number of inputs. The parsers have a separate test, which needs no apps. */
const count = 500;

/** The seed is fixed, so that a failure can be repeated. `npm run test:fuzz` tries other seeds. */
const seed = 11;

/** A bound for a run that hangs, in ms. Each wait of the run has its own bound. */
const runWithinMs = 900_000;

let stack: FuzzStack;

beforeAll(async () => {
  stack = await FuzzStack.start(fewApps, { isMeasured: false });
});

afterAll(() => stack?.stop());

it(
  'no rule is broken by the corpus and by hostile input for the API, its server, sockets and jobs',
  async () => {
    const api = new ApiPart(stack, description());
    const parts: FuzzPart<unknown>[] = [api, new RawHttpPart(stack), new SocketPart(stack), new JobPart(stack)];
    try {
      const { findings } = await fuzzRun(stack, parts, { seed, count, say: () => undefined });
      expect({ seed, count, findings }).toEqual({ seed, count, findings: [] });
    } finally {
      api.close();
    }
  },
  runWithinMs,
);
