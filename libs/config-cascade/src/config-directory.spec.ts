import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { log } from '@pns/runtime';
import { ConfigDirectory } from './config-directory';

it('tells of names that look like ours and change nothing, and of no others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-config-'));
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  const lines = [
    'com.openexchange.pns.delayDurations=0',
    'com.openexchange.pns.delayDuration=0',
    'com.openexchange.pns.transport.apn.ios.enabled.my-app.ox:mail:new=true',
    'com.openexchange.mail.folder=INBOX',
  ];
  writeFileSync(join(folder, 'some.properties'), lines.join('\n'));
  const { values } = new ConfigDirectory(folder).serverScope();
  expect(values.size).toBe(4);
  expect(warned.mock.calls).toEqual([
    [
      {
        event: 'config.property-unknown',
        file: 'some.properties',
        property: 'com.openexchange.pns.delayDurations',
        nearest: 'com.openexchange.pns.delayDuration',
      },
    ],
  ]);
  warned.mockRestore();
  rmSync(folder, { recursive: true });
});
