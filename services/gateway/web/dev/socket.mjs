/** As much of Socket.IO's wire protocol (Engine.IO 4 over WebSocket) as the viewer's events need. */
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';

const OPEN = '0';
const PING = '2';
const CONNECT = '40';
const EVENT = '42';

export class EventSocket {
  constructor(server, path) {
    this.refusing = false;
    this.clients = new Set();
    this.sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      const { pathname } = new URL(request.url, 'http://localhost');
      if (this.refusing || !pathname.startsWith(path)) return socket.destroy();
      return this.sockets.handleUpgrade(request, socket, head, (client) => this.greet(client));
    });
    this.heartbeat = setInterval(() => this.sendAll(PING), 20_000);
  }

  greet(client) {
    const hello = { sid: randomUUID(), upgrades: [], pingInterval: 25_000, pingTimeout: 20_000 };
    client.send(OPEN + JSON.stringify({ ...hello, maxPayload: 1_000_000 }));
    client.on('message', (data) => {
      if (!String(data).startsWith(CONNECT)) return;
      client.send(CONNECT + JSON.stringify({ sid: randomUUID() }));
      this.clients.add(client);
    });
    client.on('close', () => this.clients.delete(client));
  }

  emit(event, value) {
    this.sendAll(EVENT + JSON.stringify([event, value]));
  }

  sendAll(text) {
    for (const client of this.clients) client.send(text);
  }

  /** Drops everybody; `refuse` keeps them out until `allow`. */
  drop({ refuse = false } = {}) {
    this.refusing = refuse;
    for (const client of this.clients) client.terminate();
  }

  allow() {
    this.refusing = false;
  }

  close() {
    clearInterval(this.heartbeat);
    this.drop({ refuse: true });
  }
}
