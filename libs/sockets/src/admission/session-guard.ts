import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SessionTokens } from '@pns/sessions';
import { isOver, SocketAdmission } from './socket-admission';

/** How often the node closes sockets with expired sessions, in ms. All share one timer, because each timer needs memory. */
const sweepMs = 1000;

/** Closes sockets when their sessions end or expire. */
@Injectable()
export class SessionGuard implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly sessions: SessionTokens,
    private readonly admission: SocketAdmission,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.stopListening = await this.sessions.onEnded(
      (end) => this.admission.endSessions(end),
      () => this.admission.openSessions(),
    );
    this.timer = setInterval(() => this.sweep(), sweepMs);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.stopListening?.();
  }

  private sweep(): void {
    const now = Date.now();
    for (const socket of this.admission.sockets()) {
      if (!socket.hasEnded && isOver(socket.session, now)) socket.endSession();
    }
  }
}
