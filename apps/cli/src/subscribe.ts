import type { Command } from 'commander';
import { answerOf, type components } from '@pns/client';
import { action, CommandFailed, userOption, type UserOption } from './cli';
import { jsonObjectText, type JsonObjectText } from './json-text';

type NewSubscription = components['schemas']['NewSubscription'];

interface SubscribeOptions {
  readonly user: UserOption;
  readonly client: string;
  readonly transport: NewSubscription['transport'];
  readonly token?: string;
  readonly pushSubscription?: JsonObjectText;
  readonly topics: string[];
  readonly test?: boolean;
}

/** Adds `pns subscribe`. */
export function addSubscribe(program: Command): void {
  program
    .command('subscribe')
    .summary('register a subscription')
    .description('Registers a subscription of a user, or registers it again.')
    .requiredOption('--user <user@context>', 'the user', userOption)
    .requiredOption('--client <client>', 'the application that receives, or the id of a webhook')
    .requiredOption('--transport <transport>', 'webhook, apns, fcm, wns or webpush')
    .option('--token <token>', 'the device token or the URI')
    .option('--push-subscription <json>', "a browser's PushSubscription: JSON, @file or -", jsonObjectText)
    .option('--topics <pattern...>', 'topic patterns', ['*'])
    .option('--test', 'send a test push and show the answer of the provider')
    .addHelpText('after', '\nExample:\n  pns subscribe --user 14@1 --client sandbox --transport webhook --test')
    .action(
      action<SubscribeOptions>(async ({ client: api, output }, options) => {
        const { user, client, transport, token, pushSubscription, topics, test } = options;
        const body = {
          ...user,
          client,
          transport,
          topics,
          ...(token !== undefined && { token }),
          ...(pushSubscription !== undefined && { pushSubscription: pushSubscription.value }),
        } as NewSubscription;
        const subscription = await answerOf(api.POST('/v1/subscriptions', { body }));
        const { id } = subscription;
        const tested =
          test === true
            ? await answerOf(api.POST('/v1/subscriptions/{id}/test', { params: { path: { id } } }))
            : undefined;
        output.show(tested === undefined ? subscription : { ...subscription, test: tested }, () => {
          output.table([{ id, client, transport, topics: topics.join(' ') }], '');
          for (const { detail } of subscription.warnings ?? []) output.line(output.styled('yellow', detail));
          if (tested === undefined) return;
          const reason = tested.reason === undefined ? '' : `: ${tested.reason}`;
          output.line(`Test push: ${output.outcome(tested.outcome)}${reason}`);
        });
        if (tested !== undefined && tested.outcome !== 'delivered') {
          throw new CommandFailed('The subscription is registered, and the test push was not delivered.');
        }
      }),
    );
}
