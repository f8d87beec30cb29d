import fc from 'fast-check';
import { fileText, parseProperties } from '@pns/config-folder';
import { importedProperties } from './properties';
import { propertiesText } from './written-folder';

const pns = 'com.openexchange.pns';

/** `text` with each character in a random spelling that Java's properties files allow. */
const spelled = (text: string, mustEscape: RegExp) =>
  fc
    .tuple(...[...text].map((character) => fc.nat(5).map((spelling) => spell(character, spelling, mustEscape))))
    .map((all) => all.join(''));

function spell(character: string, spelling: number, mustEscape: RegExp): string {
  const code = `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  if (spelling === 0 || character > '\u00ff') return code;
  if (mustEscape.test(character)) return `\\${character}`;
  if (spelling === 1) return `\\\n \t${character}`;
  return character;
}

const blanks = fc.stringMatching(/^[ \t\f]{0,3}$/);
const separator = fc.tuple(blanks, fc.constantFrom('=', ':', ' ', '\t'), blanks).map((parts) => parts.join(''));

const entry = fc
  .constantFrom(
    [`${pns}.delayDuration`, '1500'],
    [`${pns}.transport.gcm.enabled`, 'true'],
    [`${pns}.transport.gcm.enabled.my-app.ox:mail:new`, 'false'],
    [`${pns}.mobile.api.facade.apn.sound.filename`, 'gl\xf6ck\u2713chen = #1.caf'],
    [`${pns}.transport.apns.enabled`, 'true'],
    [`${pns}.numMaxProcessorThreads`, '5'],
    [`${pns}.pigeons`, '5'],
    ['com.openexchange.mail.folder', 'a: b'],
    ['MAX', '1'],
  )
  .chain(([name = '', value = '']) =>
    fc
      // A separator, or a comment sign at the beginning of a continued line, needs a backslash.
      .tuple(blanks, spelled(name, /[=: #!]/), separator, spelled(value, /[=: #!]/))
      .map((parts) => ({ name, value, text: parts.join('') })),
  );

const noise = fc.constantFrom('', '   ', '# comment \\', '! x=1', '\t#=');
const lines = fc.array(fc.oneof({ weight: 3, arbitrary: entry }, { weight: 1, arbitrary: noise }), { maxLength: 12 });
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

it('reports each entry once, and writes the value that counts in Java', () => {
  fc.assert(
    fc.property(lines, lineEnd, fc.constantFrom('utf8' as const, 'latin1' as const), (parts, end, encoding) => {
      const text = parts.map((part) => (typeof part === 'string' ? part : part.text)).join('\n');
      const bytes = Buffer.from(text.replaceAll('\n', end), encoding);
      const entries = parts.filter((part) => typeof part !== 'string');
      const { lines: reported, written } = importedProperties([{ file: 'a.properties', content: { bytes } }], false);
      expect(reported).toHaveLength(entries.length);
      expect(new Set(reported.map(({ line }) => line)).size).toBe(entries.length);
      const counting = new Map(
        entries.map(({ name, value }) => [name.replace('apns.enabled', 'apn.ios.enabled'), value]),
      );
      for (const name of ['com.openexchange.mail.folder', 'MAX', `${pns}.pigeons`, `${pns}.numMaxProcessorThreads`])
        counting.delete(name);
      const read = fileText(Buffer.from(propertiesText(written)));
      for (const colonSeparates of [false, true]) {
        const again = parseProperties('lines' in read ? read.lines : [], { colonSeparates });
        expect(again.faults).toEqual([]);
        expect(new Map(again.assignments.map((each) => [each.name, each.text]))).toEqual(counting);
        expect(again.assignments).toHaveLength(counting.size);
      }
    }),
    { numRuns: 300 },
  );
});
