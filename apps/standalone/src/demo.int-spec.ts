import { execFileSync } from 'node:child_process';
import { exampleCommand } from './demo';

/** The arguments that a shell passes to curl for the command. */
function shellWords(command: string): string[] {
  const script = `curl() { for each; do printf '%s\\0' "$each"; done; }\n${command}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('exampleCommand', () => {
  it('sends the notification unchanged from a shell, also an apostrophe', () => {
    const words = shellWords(exampleCommand({ url: 'http://127.0.0.1:3000', key: 'a-key' }));
    expect(words.slice(0, -1)).toEqual([
      '-i',
      'http://127.0.0.1:3000/v1/notifications',
      '-H',
      'Authorization: Bearer a-key',
      '-H',
      'Content-Type: application/json',
      '-d',
    ]);
    expect(JSON.parse(words.at(-1) ?? '')).toMatchObject({
      context: 1,
      user: 14,
      topic: 'ox:mail:new',
      payload: { subject: "Let's meet" },
    });
  });
});
