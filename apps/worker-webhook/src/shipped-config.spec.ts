import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webhookOptionsFileFor } from '@pns/transport-webhook';
import { parse } from 'yaml';

const shipped: unknown = parse(readFileSync(join(__dirname, '../../../config/webhooks.yml'), 'utf8'));

const noFile = (): Buffer => {
  throw new Error('The shipped file names no other file.');
};

it('the shipped webhooks.yml leads to the sandbox', () => {
  expect(webhookOptionsFileFor('development', noFile).parse(shipped)).toMatchObject({
    sandbox: { uri: 'http://127.0.0.1:3002/webhooks/demo' },
  });
});

it('production refuses the shipped webhooks.yml without changes', () => {
  expect(() => webhookOptionsFileFor('production', noFile).parse(shipped)).toThrow(/public secret/);
});
