import { z } from 'zod';
import { headerValue, login, password, type WebhookOptions } from './webhook.options';

const fields = z.object({
  authorization: headerValue.optional(),
  login: login.optional(),
  username: login.optional(),
  password: password.optional(),
});

/** The credentials that a subscription's meta may hold, used instead of the webhook's. Whatever else it holds is its client's. */
export const ownCredentials = fields.check(({ value, issues }) => {
  const hasLogin = (value.login ?? value.username) !== undefined;
  if (hasLogin === (value.password !== undefined)) return;
  const [missing, present] = hasLogin ? ['password', 'its login'] : ['login', 'password'];
  issues.push({ code: 'custom', message: `is missing beside ${present}`, path: [missing], input: value });
});

/** The header that a subscription's meta asks for; undefined where it asks for none. @throws where no header can hold it. */
export function ownAuthorization(meta: object = {}): string | undefined {
  const { authorization, login, username, password } = fields.parse(meta);
  return authorizationHeader({ webhookSecret: authorization, login: login ?? username, password });
}

/** ISO-8859-1 and not UTF-8, as the original encodes it. */
export function authorizationHeader({
  webhookSecret,
  login,
  password,
}: Pick<WebhookOptions, 'webhookSecret' | 'login' | 'password'>): string | undefined {
  if (webhookSecret !== undefined) return webhookSecret;
  if (login === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${login}:${password}`, 'latin1').toString('base64')}`;
}
