import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { movedWebhook } from './demo-config';

let config: string;

beforeEach(() => {
  config = mkdtempSync(join(tmpdir(), 'pns-config-'));
});

afterEach(() => rmSync(config, { recursive: true }));

function webhooks(text: string): void {
  writeFileSync(join(config, 'webhooks.yml'), text);
}

const shipped = 'sandbox:\n  uri: http://127.0.0.1:3002/webhooks/sandbox\n  httpsOnly: false\n';

describe('movedWebhook', () => {
  it('is the entry of the file with the port of the sandbox', () => {
    webhooks(`mine:\n  uri: https://example.com/hook\n${shipped}`);
    const moved = { uri: 'http://127.0.0.1:4567/webhooks/sandbox', httpsOnly: false };
    expect(movedWebhook(config, 'http://127.0.0.1:4567')).toEqual(moved);
  });

  it('is undefined if the file has the right port', () => {
    webhooks(shipped);
    expect(movedWebhook(config, 'http://127.0.0.1:3002')).toBeUndefined();
  });

  it.each([
    ['without the sandbox', 'mine:\n  uri: https://example.com/hook\n'],
    ['with a sandbox elsewhere', 'sandbox:\n  uri: http://127.0.0.1:30020/hook\n'],
    ['with nothing in it', ''],
    ['that is not YAML', 'sandbox: ['],
  ])('leaves a configuration %s alone', (_, text) => {
    webhooks(text);
    expect(movedWebhook(config, 'http://127.0.0.1:4567')).toBeUndefined();
  });

  it('leaves a configuration without webhooks alone', () => {
    expect(movedWebhook(config, 'http://127.0.0.1:4567')).toBeUndefined();
  });
});
