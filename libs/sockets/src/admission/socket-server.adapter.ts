import type { Server as HttpServer } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Server as Engine } from 'engine.io';
import { Server, type ServerOptions } from 'socket.io';
import { Encoder } from 'socket.io-parser';
import { ClientDecoder } from './client-decoder';
import { ClientWebSocketServer } from '../emit/client-web-socket';
import type { UpgradeAdmission } from './upgrade-admission';

/** Connects Socket.IO with `UpgradeAdmission`, so that Engine.IO gets only accepted requests. */
export class SocketServerAdapter extends IoAdapter {
  private readonly server: HttpServer;

  constructor(
    app: INestApplication,
    private readonly upgrades: UpgradeAdmission,
  ) {
    super(app);
    this.server = app.getHttpServer() as HttpServer;
  }

  override createIOServer(_port: number, options?: Partial<ServerOptions>): Server {
    const engine = new Engine({ ...options, wsEngine: ClientWebSocketServer });
    this.upgrades.attach(this.server, engine);
    return new Server({ ...options, parser: { Encoder, Decoder: ClientDecoder } }).bind(engine);
  }

  /** Binds no handlers, because messages of clients are ignored. */
  override bindMessageHandlers(): void {}
}
