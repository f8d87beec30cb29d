import { folderId, mailPayload, namesIn, unreadOf, withoutUndefined, type DovecotRequest } from './dovecot';

/** The topic and payload of a notification about an event of Dovecot. */
interface DovecotEvent {
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  /** Joins events of one folder. Absent for a new mail, which is joined with an equal notification only. */
  readonly aggregationKey?: string;
}

/**
 * The topic and payload for an event; undefined for an event without a notification. Case in names is ignored, because the
 * driver's code and its documentation disagree about the first letter.
 *
 * Source of the names: RFC 5423, section 4.1.
 */
export function eventOf(request: DovecotRequest): DovecotEvent | undefined {
  const event = events.get(request.event.toLowerCase())?.(request);
  if (event === undefined || event.topic === newMail) return event;
  return { ...event, aggregationKey: folderId(request.folder) };
}

const newMail = 'ox:mail:new';

const events: ReadonlyMap<string, (request: DovecotRequest) => DovecotEvent> = new Map([
  ['messagenew', mailEvent],
  ['messageappend', appended],
  ['messageread', (request) => ofMails('ox:mail:read', request)],
  ['messagetrash', (request) => ofMails('ox:mail:deleted', request)],
  ['messageexpunge', (request) => ofMails('ox:mail:deleted', request)],
  ['flagsset', (request) => ofMails('ox:mail:flags', request, { flags: namesIn(request) })],
  ['flagsclear', (request) => ofMails('ox:mail:flags', request, { cleared: namesIn(request) })],
  ['mailboxcreate', (request) => ofFolder('created', request)],
  ['mailboxrename', (request) => ofFolder('renamed', request)],
  ['mailboxdelete', (request) => ofFolder('deleted', request)],
]);

function mailEvent(request: DovecotRequest): DovecotEvent {
  return { topic: newMail, payload: mailPayload(request) };
}

/** The event for a mail added to a folder. Phones must not show drafts and copies of sent mails, so these are no new mails. */
function appended(request: DovecotRequest): DovecotEvent {
  const flags = namesIn(request);
  const isKnown = flags.some((flag) => ['\\seen', '\\draft', '\\deleted'].includes(flag.toLowerCase()));
  return isKnown ? ofMails('ox:mail:flags', request, { flags }) : mailEvent(request);
}

function ofMails(topic: string, request: DovecotRequest, more: object = {}): DovecotEvent {
  const ids = [request['imap-uid'] ?? []].flat().map(String);
  return {
    topic,
    payload: withoutUndefined({ folder: folderId(request.folder), ids, ...more, unread: unreadOf(request) }),
  };
}

function ofFolder(change: 'created' | 'renamed' | 'deleted', request: DovecotRequest): DovecotEvent {
  const former = request['folder-old'];
  const from = change === 'renamed' && former !== undefined ? folderId(former) : undefined;
  return { topic: 'ox:folder:changed', payload: withoutUndefined({ folder: folderId(request.folder), change, from }) };
}
