import type { Outcome } from '@pns/transport-contract';
import fc from 'fast-check';
import type { Scene } from './scene';

/** One step of the scheduler. `which` chooses one of the possible processes, requests or attempts. */
export type Step =
  | { readonly do: 'post' | 'repeat'; readonly which: number; readonly api: number }
  | { readonly do: 'release'; readonly which: number; readonly count: number }
  | { readonly do: 'fetch'; readonly which: number }
  | { readonly do: 'answer'; readonly which: number; readonly outcome: Outcome }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'advance to the next job' }
  | { readonly do: 'kill'; readonly which: number; readonly isSent: boolean }
  | { readonly do: 'recover' };

const which = fc.nat(59);
const api = fc.nat(1);
const retry = fc.constant<Outcome>({ kind: 'retry', reason: 'HTTP 503' });
const outcome = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Outcome>({ kind: 'delivered' }) },
  { weight: 1, arbitrary: retry },
);

/** A random step. Most random steps continue a process. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({ do: fc.constant('release' as const), which, count: fc.constantFrom(1, 1, 2, 4, 8) }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('fetch' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('post' as const), which, api }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), which, outcome }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 30, 500) }) },
  { weight: 4, arbitrary: fc.constant({ do: 'advance to the next job' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('kill' as const), which, isSent: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), which, api }) },
  { weight: 3, arbitrary: fc.constant({ do: 'recover' as const }) },
);

export function perform(scene: Scene, each: Step): Promise<void> {
  switch (each.do) {
    case 'post':
    case 'repeat':
      return scene[each.do](each.which, each.api);
    case 'release':
      return scene.release(each.which, each.count);
    case 'fetch':
      return scene.fetch(each.which);
    case 'answer':
      return scene.answer(each.which, each.outcome);
    case 'advance':
      return scene.advance(each.ms);
    case 'advance to the next job':
      return scene.advanceToNextJob();
    case 'kill':
      return scene.kill(each.which, each.isSent);
    case 'recover':
      return scene.recover();
  }
}
