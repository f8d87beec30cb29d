import TestSequencer from '@jest/test-sequencer';

/**
 * Starts the tests that take longest first, so that all workers end at about the same time. Jest does so only by the
 * times of an earlier run, and a fresh clone has none. So the end-to-end tests come first and the unit tests last. Each
 * end-to-end test is followed by an integration test, so that not all workers start many processes at the same time.
 */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = [...super.sort(tests)];
    const isOf = (project) => (test) => test.context.config.displayName?.name === project;
    const [endToEnd, integration] = ['e2e', 'integration'].map((project) => sorted.filter(isOf(project)));
    const mixed = integration.flatMap((test, place) => [...endToEnd.slice(place, place + 1), test]);
    const first = new Set([...mixed, ...endToEnd]);
    return [...first, ...sorted.filter((test) => !first.has(test))];
  }
}
