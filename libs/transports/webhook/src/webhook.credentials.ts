import { z } from 'zod';
import { headerValue, login, password, type WebhookOptions } from './webhook.options';

const fields = z.object({
  authorization: headerValue.optional(),
  login: login.optional(),
  username: login.optional(),
  password: password.optional(),
});

/**
 * The schema of the credentials in a subscription's `meta`. They replace the credentials of the webhook. Other fields of `meta`
 * belong to the client.
 */
export const ownCredentials = fields.check(({ value, issues }) => {
  const hasLogin = (value.login ?? value.username) !== undefined;
  if (hasLogin === (value.password !== undefined)) return;
  const [missing, present] = hasLogin ? ['password', 'its login'] : ['login', 'password'];
  issues.push({ code: 'custom', message: `is missing; ${present} needs it`, path: [missing], input: value });
});

/**
 * The `Authorization` header from a subscription's `meta`; undefined if `meta` has no credentials. @throws if a header cannot
 * contain the credentials.
 */
export function ownAuthorization(meta: object = {}): string | undefined {
  const { authorization, login, username, password } = fields.parse(meta);
  return authorizationHeader({ webhookSecret: authorization, login: login ?? username, password });
}

/** The `Authorization` header: `webhookSecret`, or Basic authentication in ISO-8859-1 and not in UTF-8, as in the original. */
export function authorizationHeader({
  webhookSecret,
  login,
  password,
}: Pick<WebhookOptions, 'webhookSecret' | 'login' | 'password'>): string | undefined {
  if (webhookSecret !== undefined) return webhookSecret;
  if (login === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${login}:${password}`, 'latin1').toString('base64')}`;
}
