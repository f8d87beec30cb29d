import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigDirectory } from '@pns/config-folder';
import { CascadeFiles } from './cascade-files';
import { ConfigCascade } from './config-cascade';

const folder = mkdtempSync(join(tmpdir(), 'pns-properties-'));
afterAll(() => rmSync(folder, { recursive: true }));

// Copied from the documentation of the original, except the names for webhooks, which follow the same pattern.
const examples = `
com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox:calendar:new=false
com.openexchange.pns.transport.webhooks.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.webhooks.enabled.open-xchange-appsuite.ox:calendar:new=false
com.openexchange.pns.transport.apn.ios.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.apn.ios.enabled.open-xchange-appsuite.ox:calendar:new=false
com.openexchange.pns.transport.gcm.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.gcm.enabled.open-xchange-appsuite.ox:calendar:new=false
com.openexchange.pns.transport.wns.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.wns.enabled.open-xchange-appsuite.ox:calendar:new=false
`;

function cascadeOf(text: string): ConfigCascade {
  const webhooks = 'com.openexchange.webhooks.enabledIds=open-xchange-appsuite,another';
  writeFileSync(join(folder, 'pns.properties'), `${text}\n${webhooks}\n`);
  const directory = new ConfigDirectory(folder, () => new CascadeFiles());
  const { server } = directory.content;
  directory.close();
  return new ConfigCascade(server);
}

describe.each([
  ['websocket', 'com.openexchange.pns.transport.websocket.enabled', true],
  ['webhook', 'com.openexchange.pns.transport.webhooks.enabled', true],
  ['apns', 'com.openexchange.pns.transport.apn.ios.enabled', false],
  ['fcm', 'com.openexchange.pns.transport.gcm.enabled', false],
  ['wns', 'com.openexchange.pns.transport.wns.enabled', false],
] as const)("the original's example for %s", (transport, name, fallback) => {
  const to = (client: string, topic: string) => ({ context: 1, user: 14, client, topic });

  it('sends new mail to App Suite, and no new appointments', () => {
    for (const value of [true, false]) {
      const cascade = cascadeOf(`${name}=${value}\n${examples}`);
      expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:mail:new'))).toBe(true);
      expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:calendar:new'))).toBe(false);
    }
  });

  it('does not decide for other clients and topics', () => {
    for (const value of [true, false]) {
      const cascade = cascadeOf(`${name}=${value}\n${examples}`);
      expect(cascade.isEnabled(transport, to('another', 'ox:mail:new'))).toBe(value);
      expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:tasks:new'))).toBe(value);
    }
    expect(cascadeOf(examples).isEnabled(transport, to('another', 'ox:mail:new'))).toBe(fallback);
  });
});
