import type { TransportName } from '@pns/transport-contract';
import { tokenHash } from './registration';

/** Selects the endpoints that match all given fields. */
export interface EndpointFilter {
  readonly ids?: readonly string[] | undefined;
  readonly context?: number | undefined;
  readonly client?: string | undefined;
  readonly transport?: TransportName | undefined;
  readonly token?: string | undefined;
}

/** SQL condition: the subscription `s` has the token of the endpoint `e`. */
export const sameToken = 's.token_hash = e.token_hash AND s.transport = e.transport AND s.client = e.client';

/** The SQL condition on endpoints `e` for a filter. Its parameters follow the parameters in `before`. */
export function endpointsMatching(
  { ids, context, client, transport, token }: EndpointFilter,
  before: readonly unknown[],
): { readonly condition: string; readonly parameters: unknown[] } {
  const parameters = [...before];
  const place = (value: unknown): string => `$${parameters.push(value)}`;
  const conditions = ['true'];
  if (ids !== undefined) conditions.push(`e.id = ANY (${place(ids)}::uuid[])`);
  if (client !== undefined) conditions.push(`e.client = ${place(client)}`);
  if (transport !== undefined) conditions.push(`e.transport = ${place(transport)}`);
  if (token !== undefined) conditions.push(`e.token_hash = ${place(tokenHash(token))}`);
  if (context !== undefined) {
    const owned = `${sameToken} AND s.context_id = ${place(context)}::int`;
    conditions.push(`EXISTS (SELECT 1 FROM subscriptions s WHERE ${owned})`);
  }
  return { condition: conditions.join(' AND '), parameters };
}
