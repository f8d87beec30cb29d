import { createPrivateKey, type KeyObject } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { retryAfterMs } from '@pns/transport-contract';
import { SignJWT } from 'jose';
import { Agent } from 'undici';
import { codeOf } from './fcm.connections';
import { defaultTokenEndpoint, type EnabledFcmOptions } from './fcm.options';

/** Google does not take the service account: only an operator can mend that. */
export class CredentialsRefusedError extends Error {}

/** Nobody could say whether Google takes the service account. */
export class TokenUnavailableError extends Error {
  constructor(
    what: string,
    /** As the token endpoint asked. */
    readonly afterMs?: number,
  ) {
    super(`There is no access token: ${what}.`);
  }
}

interface AccessToken {
  readonly text: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** The longest that Google allows an assertion to be good for. */
const assertionSeconds = 3600;
const timeoutMs = 10_000;
/** A token is renewed so long before it ends, and what could not be renewed is tried again after a while. */
const renewAheadMs = 5 * 60_000;
const renewAgainMs = 10_000;
const maxAnswerBytes = 64 * 1024;

/**
 * The access tokens of one service account. Source: "Using OAuth 2.0 for Server to Server Applications",
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export class AccessTokens {
  private readonly agent: Agent;
  private readonly key: KeyObject;
  private token: AccessToken | undefined;
  private exchange: Promise<AccessToken> | undefined;

  constructor(
    private readonly options: EnabledFcmOptions,
    private readonly now: () => number,
  ) {
    const { caFile } = options;
    this.agent = new Agent({ connect: caFile === undefined ? {} : { ca: [...rootCertificates, caFile] } });
    this.key = createPrivateKey(options.serviceAccount.private_key);
  }

  /**
   * A token that is good now; whoever asks while it is being fetched gets the same. Rejects with a
   * `CredentialsRefusedError` or a `TokenUnavailableError`.
   */
  async current(): Promise<string> {
    const { token } = this;
    if (token === undefined || token.expiresAt <= this.now()) return (await this.renewed()).text;
    if (token.renewAt <= this.now()) {
      // Nobody waits for this one: the old token is still good, and when it is not, the fault comes to light.
      this.token = { ...token, renewAt: this.now() + renewAgainMs };
      this.renewed().catch(() => undefined);
    }
    return token.text;
  }

  /** Another token than `stale`, which Google does not take. */
  async insteadOf(stale: string): Promise<string> {
    if (this.token?.text === stale) this.token = undefined;
    return this.current();
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private renewed(): Promise<AccessToken> {
    this.exchange ??= this.fetched().finally(() => (this.exchange = undefined));
    return this.exchange;
  }

  private async fetched(): Promise<AccessToken> {
    const body = new URLSearchParams({ grant_type: grantType, assertion: await this.assertion() }).toString();
    const { status, retryAfter, text } = await this.post(body);
    const json = objectIn(text);
    if (status !== 200) throw this.refusal(status, retryAfter, json);
    const { access_token: granted, expires_in: seconds } = json;
    // It becomes part of a header.
    if (typeof granted !== 'string' || !/^[!-~]{1,8192}$/.test(granted)) {
      throw new CredentialsRefusedError('The token endpoint answered without a token; is tokenEndpoint the right one?');
    }
    const lifetimeMs = 1000 * (typeof seconds === 'number' && seconds > 0 ? seconds : assertionSeconds);
    const expiresAt = this.now() + lifetimeMs;
    this.token = { text: granted, expiresAt, renewAt: expiresAt - Math.min(renewAheadMs, lifetimeMs / 10) };
    return this.token;
  }

  private assertion(): Promise<string> {
    const { client_email: email, private_key_id: keyId } = this.options.serviceAccount;
    const issuedAt = Math.floor(this.now() / 1000);
    // The audience is Google also where a proxy carries the request.
    return new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
      .setIssuer(email)
      .setAudience(defaultTokenEndpoint)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + assertionSeconds)
      .sign(this.key);
  }

  private async post(body: string): Promise<{ status: number; retryAfter: string | undefined; text: string }> {
    const url = new URL(this.options.tokenEndpoint);
    try {
      const answer = await this.agent.request({
        origin: url.origin,
        path: url.pathname,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      let text = '';
      for await (const chunk of answer.body) {
        text += String(chunk);
        if (text.length > maxAnswerBytes) break;
      }
      const retryAfter = answer.headers['retry-after'];
      return { status: answer.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined, text };
    } catch (error) {
      throw new TokenUnavailableError(`the token endpoint could not be asked (${codeOf(error)})`);
    }
  }

  private refusal(status: number, retryAfter: string | undefined, json: Record<string, unknown>): Error {
    const isTheirs = status >= 500 || status === 429 || status === 408;
    if (isTheirs) {
      return new TokenUnavailableError(`the token endpoint answered ${status}`, retryAfterMs(retryAfter, this.now()));
    }
    const said = [json['error'], json['error_description']].filter(isPlainText).join(': ');
    return new CredentialsRefusedError(
      `Google does not take the service account: ${status}${said === '' ? '' : ` (${said})`}.`,
    );
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && /^[ -~]{1,200}$/.test(value);
}
