import type { TransportName } from '@pns/transport-contract';
import { conformanceCases } from './testing/conformance-cases';
import { cascadeOf, inRankOrder, matchingSets, type ContextSet } from './context-sets';
import { transportSwitches } from './property-registry';
import type { Scope, ScopeName } from './resolve';
import { parseTagExpression } from './tag-expression';
import { decide } from './transport-switch';

const usual = 'ask websocket ui ox:mail:new';

interface Content {
  values: Map<string, string>;
  finals: Map<string, ScopeName>;
}

/** The cascade that the parts of a layout describe; `B` in them stands for `base`. */
function cascadeFor(parts: readonly string[], base: string): readonly Scope[] {
  const contents = new Map<string, Content>();
  const words = { tags: [] as string[], usertags: [] as string[], name: [] as string[] };
  const sets = new Map<string, ContextSet>();
  const put = (key: string, assignment: string) => {
    const [, name = '', value = '', final] = /^B(\S*?)=(\S*)(?: final:(\w+))?$/.exec(assignment) ?? [];
    const content = contents.get(key) ?? { values: new Map(), finals: new Map() };
    contents.set(key, content);
    content.values.set(base + name, value);
    if (final !== undefined) content.finals.set(base + name, final);
    return content;
  };
  for (const part of parts) {
    const [, keyword = '', rest = ''] = /^(\w+) (.*)$/.exec(part) ?? [];
    if (keyword in words) words[keyword as keyof typeof words] = rest.split(' ');
    else if (keyword === 'set') {
      const [, rank, name = '', tags = '', assignment = ''] = /^(\S+) (\S+) \[(.*)\] (.*)$/.exec(rest) ?? [];
      const { values } = put(`set ${name}`, assignment);
      sets.set(name, { name, rank: Number(rank), withTags: parseTagExpression(tags), values });
    } else put(keyword, rest);
  }
  const tagged = { context: 7, contextName: words.name[0], contextTags: words.tags, userTags: words.usertags };
  return cascadeOf({
    user: contents.get('user'),
    context: contents.get('context'),
    sets: matchingSets(inRankOrder([...sets.values()]), tagged),
    server: [
      { name: 'server', values: new Map(), ...contents.get('server') },
      { name: 'server', id: '*.properties', values: new Map(), ...contents.get('file') },
    ],
  });
}

function webhooksEnabled(id: string): Scope {
  return { name: 'server', values: new Map([['com.openexchange.webhooks.enabledIds', id]]) };
}

function decisionFor(layout: string): string {
  const parts = layout.split('; ');
  const asked = parts[0]?.startsWith('ask ') === true ? (parts.shift() ?? '') : usual;
  const [, transport, client = '', topic = ''] = asked.split(' ') as [string, TransportName, string, string];
  // The switch of webhooks is read only for an enabled webhook, so `client` is listed as enabled.
  const cascade = [...cascadeFor(parts, transportSwitches[transport].base), webhooksEnabled(client)];
  const { isEnabled, origin, fault } = decide(cascade, transport, { client, topic });
  const where = 'id' in origin ? `${origin.scope} ${origin.id}` : origin.scope;
  return `${isEnabled} by ${where}${fault === undefined ? '' : ', unreadable'}`;
}

describe.each(Object.entries(conformanceCases))('%s', (_, cases) => {
  it.each(cases)('%s: %s', (layout, decision) => {
    expect(decisionFor(layout)).toBe(decision);
  });
});

it('has at least 150 cases, none of them twice', () => {
  const layouts = Object.values(conformanceCases).flatMap((cases) => cases.map(([layout]) => layout));
  expect(new Set(layouts).size).toBe(layouts.length);
  expect(layouts.length).toBeGreaterThanOrEqual(150);
});
