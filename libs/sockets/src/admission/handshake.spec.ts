import { readHandshake } from './handshake';

const seeds = '/socket.io/appsuite/?session=XYZ&connection=160491815377&EIO=3&transport=websocket';

describe('a handshake', () => {
  it('reads as the original documents it', () => {
    expect(readHandshake(seeds)).toEqual({
      path: '/socket.io/appsuite/',
      session: 'XYZ',
      connection: '160491815377',
      isAnonymous: false,
      wantsMeta: false,
    });
  });

  it.each([
    ['meta=1', true],
    ['meta=0', false],
    ['meta=true', false],
    ['meta=', false],
  ])('with %s asks for the rest: %s', (query, wantsMeta) =>
    expect(readHandshake(`${seeds}&${query}`)).toMatchObject({ wantsMeta }),
  );

  it.each(['', '&connection='])('without a connection id gets one of its own (%j)', (query) => {
    const [one, other] = [1, 2].map(() => readHandshake(`/x?session=XYZ&transport=websocket${query}`));
    expect(one).toMatchObject({ isAnonymous: true, connection: expect.stringMatching(/^[a-z0-9-]{36}$/) as string });
    expect(one?.connection).not.toBe(other?.connection);
  });

  it('may send the session with its CONNECT if its protocol has one', () => {
    expect(readHandshake('/x?EIO=4&transport=websocket')).not.toHaveProperty('session');
  });

  it.each([
    ['no session in Engine.IO 3', '/x?EIO=3&transport=websocket', 'SESSION_MISSING'],
    ['an empty session', '/x?session=&transport=websocket', 'SESSION_MISSING'],
    ['polling', '/x?session=XYZ&EIO=4&transport=polling', 'TRANSPORT_UNKNOWN'],
    ['no transport', '/x?session=XYZ&EIO=4', 'TRANSPORT_UNKNOWN'],
    ['the rest of polling', `${seeds}&sid=abc`, 'TRANSPORT_UNKNOWN'],
    ['a space', '/x?session=XYZ&transport=websocket&connection=a%20b', 'CONNECTION_INVALID'],
    ['a bar', '/x?session=XYZ&transport=websocket&connection=a|b', 'CONNECTION_INVALID'],
    ['letters of elsewhere', '/x?session=XYZ&transport=websocket&connection=%C3%A4', 'CONNECTION_INVALID'],
    ['129 letters', `/x?session=XYZ&transport=websocket&connection=${'a'.repeat(129)}`, 'CONNECTION_INVALID'],
    ['no URL', 'http://[', 'PATH_UNKNOWN'],
    ['another host', `http://evil.example${seeds}`, 'PATH_UNKNOWN'],
    ['a dot segment', seeds.replace('appsuite', 'other/../appsuite'), 'PATH_UNKNOWN'],
    ['a dot segment at the end', seeds.replace('appsuite/', 'appsuite/..'), 'PATH_UNKNOWN'],
    ['an encoded dot segment', seeds.replace('appsuite', 'other/%2E%2e/appsuite'), 'PATH_UNKNOWN'],
    ['a backslash', seeds.replace('/appsuite', '\\\\appsuite'), 'PATH_UNKNOWN'],
    ['a fragment', seeds.replace('appsuite/', 'appsuite/#'), 'PATH_UNKNOWN'],
    ['a letter that is not encoded', seeds.replace('appsuite', 'äppsuite'), 'PATH_UNKNOWN'],
  ])('with %s is refused', (_, url, code) => {
    expect(() => readHandshake(url)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
