import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFor } from './demo-config';

let folder: string;
let config: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pns-config-'));
  config = join(folder, 'shipped');
  mkdirSync(config);
  writeFileSync(join(config, 'pns.properties'), 'a=1');
  writeFileSync(join(config, 'webhooks.yml'), 'sandbox:\n  uri: http://127.0.0.1:3002/webhooks/sandbox\n');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('configFor', () => {
  it('is the shipped folder where that names the right port', () => {
    expect(configFor(config, folder, 'http://127.0.0.1:3002')).toBe(config);
  });

  it('names the port that the sandbox has, and shows every other file as it is now', () => {
    const own = configFor(config, folder, 'http://127.0.0.1:4567');
    expect(readFileSync(join(own, 'webhooks.yml'), 'utf8')).toContain('uri: http://127.0.0.1:4567/webhooks/sandbox');
    writeFileSync(join(config, 'pns.properties'), 'a=2');
    expect(readFileSync(join(own, 'pns.properties'), 'utf8')).toBe('a=2');
  });

  it('follows the sandbox to yet another port', () => {
    configFor(config, folder, 'http://127.0.0.1:4567');
    const own = configFor(config, folder, 'http://127.0.0.1:5678');
    expect(readFileSync(join(own, 'webhooks.yml'), 'utf8')).toContain(':5678/');
  });

  it('leaves a configuration of somebody else alone', () => {
    writeFileSync(join(config, 'webhooks.yml'), 'mine:\n  uri: https://example.com/hook\n');
    expect(configFor(config, folder, 'http://127.0.0.1:4567')).toBe(config);
  });
});
