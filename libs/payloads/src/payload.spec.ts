import { payloadFault } from './payload';

const mail = {
  folder: 'default0/INBOX',
  id: '113',
  email: 'jane.doe@example.com',
  displayname: 'Jane Doe',
  subject: "Let's meet",
  unread: 83,
  teaser: 'Hello',
};

describe('payloads of known topics', () => {
  it.each([
    ['ox:mail:new', mail],
    ['ox:mail:new', { folder: 'default0/INBOX' }],
    ['ox:mail:new', { folder: 'default0/INBOX', id: ['113', '114'] }],
    ['ox:mail:new', { ...mail, flags: ['seen'] }],
    ['ox:calendar:updates', { folders: ['cal://0/216759', 'cal://0/30'] }],
    ['ox:calendar:updates', { needsAction: ['17', { folderId: 'cal://0/30', id: '18', recurrenceId: '20260101' }] }],
    ['ox:calendar:updates', {}],
    ['ox:mail:read', { folder: 'default0/INBOX', ids: ['113'], unread: 82 }],
    ['ox:mail:flags', { folder: 'default0/INBOX', ids: ['113'], flags: ['\\Flagged'], unread: 82 }],
    ['ox:mail:flags', { folder: 'default0/INBOX', ids: ['113'], cleared: ['\\Seen'], unread: 83 }],
    ['ox:mail:deleted', { folder: 'default0/INBOX', ids: ['113', '114'], unread: 0 }],
    ['ox:mail:deleted', { folder: 'default0/INBOX', ids: ['113'] }],
    ['ox:folder:changed', { folder: 'default0/Lists', change: 'created' }],
    ['ox:folder:changed', { folder: 'default0/Lists', change: 'renamed', from: 'default0/Old' }],
    ['my:own:topic', { anything: [1, { goes: null }] }],
    ['constructor', {}],
    ['__proto__', {}],
  ])('%s accepts %j', (topic, payload) => {
    expect(payloadFault(topic, payload)).toBeUndefined();
  });

  it.each([
    ['ox:mail:new', {}, 'payload.folder'],
    ['ox:mail:new', { folder: '' }, 'payload.folder'],
    ['ox:mail:new', { ...mail, unread: '83' }, 'payload.unread'],
    ['ox:mail:new', { ...mail, unread: -1 }, 'payload.unread'],
    ['ox:mail:new', { ...mail, id: 113 }, 'payload.id'],
    ['ox:mail:new', { ...mail, id: [] }, 'payload.id'],
    ['ox:mail:new', { ...mail, subject: null }, 'payload.subject'],
    ['ox:mail:read', { folder: 'default0/INBOX', unread: 82 }, 'payload.ids'],
    ['ox:mail:read', { ids: ['113'], unread: 82 }, 'payload.folder'],
    ['ox:mail:flags', { folder: 'default0/INBOX', ids: ['113'], flags: 'seen' }, 'payload.flags'],
    ['ox:mail:deleted', { folder: 'default0/INBOX', ids: [], unread: 82 }, 'payload.ids'],
    ['ox:mail:deleted', { folder: 'default0/INBOX', ids: [113], unread: 82 }, 'payload.ids.0'],
    ['ox:folder:changed', { folder: 'default0/Lists', change: 'moved' }, 'payload.change'],
    ['ox:folder:changed', { change: 'created' }, 'payload.folder'],
    ['ox:calendar:updates', { folders: 'cal://0/30' }, 'payload.folders'],
    ['ox:calendar:updates', { needsAction: [{ id: '18' }] }, 'payload.needsAction'],
  ])('%s refuses %j and names %s', (topic, payload, field) => {
    expect(payloadFault(topic, payload)).toContain(field);
  });
});
