import { isRecent, isSigned, readSignatureHeader, signatureToleranceMs } from './ox-signature';

const secret = 'da39a3ee5e6b4b';
const body = Buffer.from(
  '{"event":"ox:mail:new","payload":{"folder":"default0/INBOX","id":"113","user":14,"context":1,"email1":"john@example.com"},"timestamp":1694677849605}',
);
const digest = '37b74a1f7df91ea4b45e6e91dca6121e5322b60a9700aaeb0adad0adb2e08aa9';
const header = `t=1694677849605, v1=${digest}`;

describe('a signature header', () => {
  it.each([
    ['as the original sends it', header, [secret], true],
    ['without the blank', header.replace(' ', ''), [secret], true],
    ['with upper-case digits', `t=1694677849605, v1=${digest.toUpperCase()}`, [secret], true],
    ['signed with the previous secret', header, ['another', secret], true],
    ['with several signatures', `t=1694677849605, v1=${'0'.repeat(64)}, v1=${digest}`, [secret], true],
    ['with a signature of another version', `${header}, v2=${'0'.repeat(64)}`, [secret], true],
    ['signed with another secret', header, ['another'], false],
    ['with another time', header.replace('605', '606'), [secret], false],
  ])('%s', (_name, text, secrets, expected) => {
    const read = readSignatureHeader(text, 1);
    expect(read !== undefined && isSigned(read, body, secrets, 1)).toBe(expected);
  });

  it('is not valid for another body', () => {
    const read = readSignatureHeader(header, 1);
    expect(read !== undefined && isSigned(read, Buffer.concat([body, Buffer.from(' ')]), [secret], 1)).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['no time', `v1=${digest}`],
    ['no signature', 't=1694677849605'],
    ['two times', `t=1694677849605, ${header}`],
    ['a time with a sign', `t=-1694677849605, v1=${digest}`],
    ['a time in hexadecimal', `t=18a8fdc5, v1=${digest}`],
    ['a time of 16 digits', `t=1694677849605000, v1=${digest}`],
    ['a short signature', 't=1694677849605, v1=37b7'],
    ['a signature of another version', `t=1694677849605, v2=${digest}`],
    ['another field', `${header}, alg=none`],
    ['too many signatures', ['t=1694677849605', ...Array.from({ length: 11 }, () => `v1=${digest}`)].join(', ')],
  ])('is not read with %s', (_name, text) => expect(readSignatureHeader(text, 1)).toBeUndefined());

  it('is recent for five minutes before and after', () => {
    const read = readSignatureHeader(header, 1);
    const at = (offset: number) => read !== undefined && isRecent(read, 1694677849605 + offset);
    expect([at(0), at(signatureToleranceMs), at(-signatureToleranceMs)]).toEqual([true, true, true]);
    expect([at(signatureToleranceMs + 1), at(-signatureToleranceMs - 1)]).toEqual([false, false]);
  });
});
