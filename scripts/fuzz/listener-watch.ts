import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';

/** What Node itself says of a listener: how many connections it has open, and which requests it has begun to serve. */
export interface ListenerWatch {
  /** The request ids of the calls that were begun since this was asked last. */
  takeCalls(): readonly string[];
  /** Resolves when no connection is open but so many. */
  openConnections(most: number): Promise<void>;
  stop(): void;
}

/** Watches the listener on a port of this process, through Node's diagnostics channels. */
export function watchListener(port: () => number): ListenerWatch {
  const open = new Set<Socket>();
  const waiting = new Set<() => void>();
  let responses: ServerResponse[] = [];
  const onSocket: ChannelListener = (message) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== port()) return;
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      for (const check of [...waiting]) check();
    });
  };
  const onRequest: ChannelListener = (message) => {
    const { server, response } = message as { server: Server; response: ServerResponse };
    const address = server.address();
    if (typeof address === 'object' && address?.port === port()) responses.push(response);
  };
  subscribe('net.server.socket', onSocket);
  subscribe('http.server.request.start', onRequest);
  return {
    takeCalls: () => {
      const ids = responses.flatMap((response) => callIdOf(response) ?? []);
      responses = [];
      return ids;
    },
    openConnections: (most) =>
      new Promise((resolve) => {
        const check = () => {
          if (open.size > most) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    stop: () => {
      unsubscribe('net.server.socket', onSocket);
      unsubscribe('http.server.request.start', onRequest);
    },
  };
}

/** Express keeps what the service's handlers know of a request in `locals`; a request to `/proxy` has a call there. */
function callIdOf(response: ServerResponse): string | undefined {
  return (response as { locals?: { call?: { requestId: string } } }).locals?.call?.requestId;
}
