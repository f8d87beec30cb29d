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
    ['ox:calendar:updates', { folders: 'cal://0/30' }, 'payload.folders'],
    ['ox:calendar:updates', { needsAction: [{ id: '18' }] }, 'payload.needsAction'],
  ])('%s refuses %j and names %s', (topic, payload, field) => {
    expect(payloadFault(topic, payload)).toContain(field);
  });
});
