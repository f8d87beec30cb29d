import TestSequencer from '@jest/test-sequencer';

/** By the time that a file of the project takes. */
const projects = ['e2e', 'integration', 'unit'];

const place = ({ context }) => projects.indexOf(context.config.displayName?.name);

/**
 * Starts the tests that take longest first, so that all workers end at about the same time. Jest does so only by the
 * times of an earlier run, and a fresh clone has none.
 */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => place(one) - place(other));
  }
}
