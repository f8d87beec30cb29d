import { createPrivateKey, type KeyObject } from 'node:crypto';
import { codeOf, type FormAnswer, type Grant, NoAnswerError, postForm, trustBeside } from '@pns/http-client';
import { retryAfterMs } from '@pns/transport-contract';
import { SignJWT } from 'jose';
import { Agent } from 'undici';
import { defaultTokenEndpoint, type EnabledFcmOptions } from './fcm.options';

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** The longest validity of an assertion that Google allows. */
const assertionSeconds = 3600;
const timeoutMs = 10_000;

/**
 * Requests access tokens of one service account. Source: "Using OAuth 2.0 for Server to Server Applications",
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export class AccessTokens {
  private readonly agent: Agent;
  private readonly key: KeyObject;

  constructor(
    private readonly options: EnabledFcmOptions,
    private readonly now: () => number,
  ) {
    this.agent = new Agent({ connect: trustBeside(options.caFile) });
    this.key = createPrivateKey(options.serviceAccount.private_key);
  }

  /** Requests a token. Rejects with a `NoAnswerError`. */
  async grant(): Promise<Grant> {
    const form = new URLSearchParams({ grant_type: grantType, assertion: await this.assertion() });
    const answer = await this.post(form.toString());
    if (answer.status !== 200) throw this.refusal(answer);
    const { access_token: text, expires_in: seconds } = answer.json;
    // The token becomes part of a header, so only visible ASCII is accepted.
    if (typeof text !== 'string' || !/^[!-~]{1,8192}$/.test(text)) {
      const reason = 'The token endpoint answered without a token; check tokenEndpoint.';
      throw new NoAnswerError({ kind: 'misconfigured', reason });
    }
    return { text, lifetimeMs: 1000 * (typeof seconds === 'number' && seconds > 0 ? seconds : assertionSeconds) };
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private assertion(): Promise<string> {
    const { client_email: email, private_key_id: keyId } = this.options.serviceAccount;
    const issuedAt = Math.floor(this.now() / 1000);
    // The audience is Google, also if a proxy forwards the request.
    return new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
      .setIssuer(email)
      .setAudience(defaultTokenEndpoint)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + assertionSeconds)
      .sign(this.key);
  }

  private async post(body: string): Promise<FormAnswer> {
    try {
      return await postForm(this.agent, new URL(this.options.tokenEndpoint), body, timeoutMs);
    } catch (error) {
      const reason = `There is no access token: the token endpoint could not be reached (${codeOf(error)}).`;
      throw new NoAnswerError({ kind: 'retry', reason }, { cause: error });
    }
  }

  private refusal({ status, retryAfter, json }: FormAnswer): NoAnswerError {
    if (status >= 500 || status === 429 || status === 408) {
      const afterMs = retryAfterMs(retryAfter, this.now());
      const reason = `There is no access token: the token endpoint answered ${status}.`;
      return new NoAnswerError({ kind: 'retry', reason, ...(afterMs !== undefined && { afterMs }) });
    }
    const said = [json['error'], json['error_description']].filter(isPlainText).join(': ');
    const reason = `Google does not accept the service account: ${status}${said === '' ? '' : ` (${said})`}.`;
    return new NoAnswerError({ kind: 'misconfigured', reason });
  }
}

function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && /^[ -~]{1,200}$/.test(value);
}
