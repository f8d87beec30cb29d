import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ServerKeyStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { currentKeys, newVapidKeys, vapidKeysFor, type VapidKeys } from '@pns/transport-webpush';
import { ClientAccounts } from './client-accounts';

/** The VAPID keys of clients: their own keys, or the keys of the server, which are made at its first start. */
@Injectable()
export class WebpushKeys implements OnApplicationBootstrap {
  private server: Promise<VapidKeys> | undefined;

  constructor(
    private readonly store: ServerKeyStore,
    private readonly accounts: ClientAccounts,
  ) {}

  /** Reads or makes the keys of the server. Never rejects, because the other routes do not need the keys. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.serverKeys();
    } catch (error) {
      log.error({ event: 'webpush.keys-not-read', reason: (error as Error).message });
    }
  }

  /** The public key with which browsers subscribe for a client now. @throws the error of Postgres or of the encryption. */
  async publicKey(client: string): Promise<string> {
    return currentKeys(this.accounts.webpush(client), await this.serverKeys()).publicKey;
  }

  /** Whether a public key belongs to a client, as the current or an earlier one. @throws the errors of `publicKey`. */
  async isKeyOf(client: string, publicKey: string): Promise<boolean> {
    return vapidKeysFor(publicKey, this.accounts.webpush(client), await this.serverKeys()) !== undefined;
  }

  private async serverKeys(): Promise<VapidKeys> {
    this.server ??= this.store.pair('webpush', newVapidKeys);
    try {
      return await this.server;
    } catch (error) {
      this.server = undefined;
      throw error;
    }
  }
}
