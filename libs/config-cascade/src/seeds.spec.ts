import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigCascade } from './config-cascade';
import { ConfigDirectory } from './config-directory';
import { transportSwitches } from './properties';

const folder = mkdtempSync(join(tmpdir(), 'pns-properties-'));
afterAll(() => rmSync(folder, { recursive: true }));

// As in the documentation of the original, colons and all; webhooks follow the same pattern.
const examples = Object.values(transportSwitches).flatMap(({ base }) => [
  `${base}.open-xchange-appsuite.ox:mail:new=true`,
  `${base}.open-xchange-appsuite.ox:calendar:new=false`,
]);

function cascadeOf(lines: readonly string[]): ConfigCascade {
  const webhooks = 'com.openexchange.webhooks.enabledIds=open-xchange-appsuite,another';
  writeFileSync(join(folder, 'pns.properties'), [...lines, webhooks].join('\n'));
  return new ConfigCascade(new ConfigDirectory(folder).serverScope());
}

describe.each(['websocket', 'webhook', 'apns', 'fcm', 'wns'] as const)("the original's example for %s", (transport) => {
  const to = (client: string, topic: string) => ({ context: 1, user: 14, client, topic });

  it('lets new mail through to App Suite, and no new appointment', () => {
    const cascade = cascadeOf(examples);
    expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:mail:new'))).toBe(true);
    expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:calendar:new'))).toBe(false);
  });

  it('leaves other clients and topics to the switch itself', () => {
    const { base, fallback } = transportSwitches[transport];
    for (const value of [true, false]) {
      const cascade = cascadeOf([`${base}=${value}`, ...examples]);
      expect(cascade.isEnabled(transport, to('another', 'ox:mail:new'))).toBe(value);
      expect(cascade.isEnabled(transport, to('open-xchange-appsuite', 'ox:tasks:new'))).toBe(value);
    }
    expect(cascadeOf(examples).isEnabled(transport, to('another', 'ox:mail:new'))).toBe(fallback);
  });
});
