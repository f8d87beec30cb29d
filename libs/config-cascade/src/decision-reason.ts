import type { Origin } from './resolve';
import type { Decision } from './transport-switch';

/** Why a transport is on or off, as the end of a sentence. */
export function decisionReason({ isEnabled, name, origin, fault, unlisted }: Decision): string {
  if (fault !== undefined) return `${name}, set for ${titleOf(origin)}, cannot be read: it ${fault}`;
  if (unlisted !== undefined) {
    if (origin.scope === 'default') return `${name} is not set, and it must list ${unlisted}`;
    return `${name}, set for ${titleOf(origin)}, does not list ${unlisted}`;
  }
  if (origin.scope === 'default') return `${name} is not set, and its default is ${isEnabled}`;
  return `${name} is ${isEnabled} for ${titleOf(origin)}`;
}

function titleOf(origin: Origin): string {
  switch (origin.scope) {
    case 'user':
      return 'the user';
    case 'context':
      return 'the context';
    case 'contextSet':
      return `the context set ${origin.id ?? ''}`;
    case 'server':
      return origin.id === undefined ? 'the server' : `the server in ${origin.id}`;
    case 'default':
      return 'no scope';
  }
}
