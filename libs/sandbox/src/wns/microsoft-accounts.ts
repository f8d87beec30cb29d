import { createHash, randomBytes, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';

/** The credentials of an app. */
export interface AppCredentials {
  /** The Package SID, or the application id of an app that is registered with Microsoft Entra. */
  readonly sid: string;
  readonly secret: string;
  /** Set if the app is registered with Microsoft Entra. */
  readonly tenantId?: string;
}

interface TokenEndpointAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Grant {
  readonly sid: string;
  readonly expiresAt: number;
}

/** The lifetime of an access token, in seconds. */
export const tokenSeconds = 86_400;
const storePath = '/accesstoken.srf';
const entraPath = /^\/([^/]+)\/oauth2\/v2\.0\/token$/;

/**
 * Apps and their access tokens. Sources:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers for
 * apps of Partner Center,
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-quickstart and
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow for apps of Entra.
 */
export class MicrosoftAccounts {
  private readonly apps = new Map<string, AppCredentials>();
  private readonly grants = new Map<string, Grant>();
  /** The number of issued access tokens. */
  exchanges = 0;

  constructor(private readonly now: () => number) {}

  /** Registers an app with these credentials, or with generated ones. If an app has the same `sid`, it gets the new secret. */
  register({ sid, secret, tenantId }: Partial<AppCredentials> = {}): AppCredentials {
    const app: AppCredentials = {
      sid: sid ?? (tenantId === undefined ? packageSid() : randomUUID()),
      secret: secret ?? randomBytes(24).toString('base64url'),
      ...(tenantId !== undefined && { tenantId }),
    };
    this.apps.set(app.sid, app);
    return app;
  }

  sids(): string[] {
    return [...this.apps.keys()];
  }

  /** Deletes the credentials and their access tokens; returns whether the app existed. */
  revoke(sid: string): boolean {
    for (const [token, grant] of this.grants) if (grant.sid === sid) this.grants.delete(token);
    return this.apps.delete(sid);
  }

  /** Expires all access tokens. */
  endTokens(): void {
    this.grants.clear();
  }

  /** The app of an access token; undefined if the token is invalid. */
  appOf(token: string): string | undefined {
    const grant = this.grants.get(token);
    return grant !== undefined && grant.expiresAt > this.now() ? grant.sid : undefined;
  }

  /** The answer to a token request; undefined if there is no token endpoint at this path. */
  exchange(path: string, contentType: string | undefined, body: string): TokenEndpointAnswer | undefined {
    const tenantId = entraPath.exec(path)?.[1];
    if (tenantId === undefined && path !== storePath) return undefined;
    if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(contentType ?? '')) {
      return refused(400, 'invalid_request', 'The content type is not application/x-www-form-urlencoded.');
    }
    const form = new URLSearchParams(body);
    const missing = ['grant_type', 'client_id', 'client_secret', 'scope'].find((name) => !form.get(name));
    if (missing !== undefined) return refused(400, 'invalid_request', `The parameter ${missing} is missing.`);
    if (form.get('grant_type') !== 'client_credentials') {
      return refused(400, 'unsupported_grant_type', 'The grant type is not client_credentials.');
    }
    return tenantId === undefined ? this.storeAnswer(form) : this.entraAnswer(tenantId, form);
  }

  private storeAnswer(form: URLSearchParams): TokenEndpointAnswer {
    if (form.get('scope') !== 'notify.windows.com') return refused(400, 'invalid_scope', 'The scope is unknown.');
    const app = this.authenticated(form);
    if (app === undefined || app.tenantId !== undefined) {
      return refused(400, 'invalid_client', 'The client id or the secret is wrong.');
    }
    return granted({ access_token: this.grant(app), token_type: 'bearer', expires_in: tokenSeconds });
  }

  private entraAnswer(tenantId: string, form: URLSearchParams): TokenEndpointAnswer {
    if (!/^https:\/\/wns\.windows\.com\/\.default\/?$/.test(form.get('scope') ?? '')) {
      return refused(400, 'invalid_scope', 'AADSTS70011: The scope is not valid.');
    }
    const known = this.apps.get(form.get('client_id') ?? '');
    if (known?.tenantId !== tenantId) {
      return refused(400, 'unauthorized_client', 'AADSTS700016: The application was not found in the directory.');
    }
    const app = this.authenticated(form);
    if (app === undefined) return refused(401, 'invalid_client', 'AADSTS7000215: The client secret is not valid.');
    const seconds = String(tokenSeconds - 1);
    return granted({ token_type: 'Bearer', expires_in: seconds, access_token: this.grant(app) });
  }

  private authenticated(form: URLSearchParams): AppCredentials | undefined {
    const app = this.apps.get(form.get('client_id') ?? '');
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    const isRight = app !== undefined && timingSafeEqual(digest(app.secret), digest(form.get('client_secret') ?? ''));
    return isRight ? app : undefined;
  }

  private grant({ sid }: AppCredentials): string {
    const token = `EgAcAQMAAAAALYAA${randomBytes(30).toString('base64')}`;
    this.grants.set(token, { sid, expiresAt: this.now() + tokenSeconds * 1000 });
    this.exchanges++;
    return token;
  }
}

function packageSid(): string {
  return `ms-app://s-1-15-2-${Array.from({ length: 7 }, () => randomInt(2 ** 32)).join('-')}`;
}

function granted(body: TokenEndpointAnswer['body']): TokenEndpointAnswer {
  return { status: 200, body };
}

function refused(status: number, error: string, error_description: string): TokenEndpointAnswer {
  return { status, body: { error, error_description } };
}
