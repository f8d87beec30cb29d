import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { GoogleAnswer } from './google-errors';

/** The JSON file of a service account, as Google's console creates it. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly project_id: string;
  readonly private_key_id: string;
  readonly private_key: string;
  readonly client_email: string;
  readonly token_uri: string;
}

/** The rights of an access token. */
export interface Grant {
  readonly email: string;
  readonly project: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

interface Account {
  readonly project: string;
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

/** The required audience of an assertion, also if the assertion arrives at another URL. */
const audience = 'https://oauth2.googleapis.com/token';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const longestSeconds = 3600;
const skewSeconds = 300;
const tokenSeconds = 3599;
const scopePrefix = 'https://www.googleapis.com/auth/';
/** The scopes that a sender may request, which include all scopes of the Admin SDK. */
const knownScopes = ['firebase.messaging', 'cloud-platform', 'firebase.database', 'identitytoolkit', 'userinfo.email'];

interface KeyPair {
  readonly publicKey: KeyObject;
  /** The private key in PEM. */
  readonly privateKey: string;
}

/** Key pairs by the number of the account, shared by all sandboxes of this process, because making a pair takes 0.1 s or more. */
const keyPairs: KeyPair[] = [];

function keyPairOf(account: number): KeyPair {
  return (keyPairs[account] ??= newKeyPair());
}

function newKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKey: createPublicKey(publicKey), privateKey };
}

/**
 * Google's service accounts and their access tokens. Source: "Using OAuth 2.0 for Server to Server Applications",
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export class GoogleAccounts {
  private readonly accounts = new Map<string, Account>();
  private readonly grants = new Map<string, Grant>();
  /** The number of accounts that were created. */
  private created = 0;
  /** The number of issued access tokens. */
  exchanges = 0;

  constructor(private readonly now: () => number) {}

  /** Creates a service account of `project` and returns its key. An existing account gets a new key; the old key is void. */
  create(project: string, name = 'sender'): ServiceAccountKey {
    const { publicKey, privateKey } = keyPairOf(this.created++);
    const keyId = randomBytes(20).toString('hex');
    const email = `${name}@${project}.iam.gserviceaccount.com`;
    this.accounts.set(email, { project, keyId, publicKey });
    return {
      type: 'service_account',
      project_id: project,
      private_key_id: keyId,
      private_key: privateKey,
      client_email: email,
      token_uri: audience,
    };
  }

  emails(): string[] {
    return [...this.accounts.keys()];
  }

  /** Deletes the account and its access tokens; returns whether the account existed. */
  revoke(email: string): boolean {
    for (const [token, grant] of this.grants) if (grant.email === email) this.grants.delete(token);
    return this.accounts.delete(email);
  }

  /** Expires all access tokens. */
  endTokens(): void {
    this.grants.clear();
  }

  grantOf(token: string): Grant | undefined {
    const grant = this.grants.get(token);
    return grant !== undefined && grant.expiresAt > this.now() ? grant : undefined;
  }

  /** The token endpoint's answer to the body of a request. */
  async exchange(contentType: string | undefined, body: string): Promise<GoogleAnswer> {
    if (!contentType?.startsWith('application/x-www-form-urlencoded')) {
      return refused('invalid_request', 'The body is not a form.');
    }
    const form = new URLSearchParams(body);
    const type = form.get('grant_type');
    if (type !== grantType) return refused('unsupported_grant_type', `Invalid grant_type: ${type}`);
    const assertion = form.get('assertion');
    if (assertion === null) return refused('invalid_request', 'Missing required parameter: assertion');
    const claims = await this.claimsIn(assertion);
    return isAnswer(claims) ? claims : this.granted(claims);
  }

  private async claimsIn(assertion: string): Promise<JWTPayload | GoogleAnswer> {
    try {
      const { alg, kid } = decodeProtectedHeader(assertion);
      if (alg !== 'RS256') return refused('invalid_grant', 'Invalid JWT: only RS256 is supported.');
      const { iss = '' } = unverifiedClaims(assertion);
      const account = this.accounts.get(iss);
      if (account === undefined) return refused('invalid_grant', 'Invalid grant: account not found');
      if (kid !== undefined && kid !== account.keyId) return refused('invalid_grant', 'Invalid JWT Signature.');
      const currentDate = new Date(this.now());
      const rules = { algorithms: ['RS256'], clockTolerance: skewSeconds, currentDate };
      return (await jwtVerify(assertion, account.publicKey, rules)).payload;
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) return badTimes();
      return refused('invalid_grant', 'Invalid JWT Signature.');
    }
  }

  private granted({ iss, aud, iat, exp, scope }: JWTPayload): GoogleAnswer {
    if (aud !== audience) return refused('invalid_grant', 'Invalid JWT: Failed audience check.');
    const nowSeconds = this.now() / 1000;
    if (iat === undefined || exp === undefined || exp - iat > longestSeconds || iat > nowSeconds + skewSeconds) {
      return badTimes();
    }
    const scopes = typeof scope === 'string' ? scope.split(' ').map((each) => each.replace(scopePrefix, '')) : [];
    if (scopes.length === 0 || !scopes.every((each) => knownScopes.includes(each))) {
      return refused('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    }
    const email = iss ?? '';
    const project = this.accounts.get(email)?.project ?? '';
    const token = `ya29.c.${randomBytes(48).toString('base64url')}`;
    this.grants.set(token, { email, project, scopes, expiresAt: this.now() + tokenSeconds * 1000 });
    this.exchanges++;
    return { status: 200, body: { access_token: token, expires_in: tokenSeconds, token_type: 'Bearer' } };
  }
}

function isAnswer(claims: JWTPayload | GoogleAnswer): claims is GoogleAnswer {
  return typeof claims['status'] === 'number';
}

function unverifiedClaims(assertion: string): { iss?: string } {
  const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString());
  const { iss } = claims as { iss?: unknown };
  return typeof iss === 'string' ? { iss } : {};
}

function badTimes(): GoogleAnswer {
  const what = 'Token must be a short-lived token (60 minutes) and in a reasonable timeframe.';
  return refused('invalid_grant', `Invalid JWT: ${what} Check your iat and exp values in the JWT claim.`);
}

function refused(error: string, error_description: string): GoogleAnswer {
  return { status: 400, body: { error, error_description } };
}
