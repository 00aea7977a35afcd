import type { IncomingMessage, ServerResponse } from 'node:http';

/** The client went away before its request's body was complete; there is nobody left to answer. */
export class BodyBrokenOff extends Error {
  override readonly name = 'BodyBrokenOff';
}

/** One request and its answer, with what both servers need to know of it. */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The same for all requests of one connection. */
  readonly connectionId: number;
  /** Bytes of the body that came in so far, as they were on the wire. */
  bodyBytes = 0;
  /** Sees every chunk of the body, whoever reads it. */
  tap: ((chunk: Buffer) => void) | undefined;
  #awaitsContinue: boolean;

  constructor(req: IncomingMessage, res: ServerResponse, connectionId: number, expectsContinue: boolean) {
    this.req = req;
    this.res = res;
    this.connectionId = connectionId;
    this.#awaitsContinue = expectsContinue;
  }

  /** True where the client holds its body back (`Expect: 100-continue`) and was not told to go on. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** The path as sent, undecoded, without the query. */
  get rawPath(): string {
    return (this.req.url ?? '/').split('?', 1)[0] ?? '/';
  }

  /** The query as sent, undecoded, without the question mark. */
  get rawQuery(): string {
    const url = this.req.url ?? '';
    const mark = url.indexOf('?');
    return mark < 0 ? '' : url.slice(mark + 1);
  }

  /**
   * Hands over the body chunk by chunk; a promise from `consume` holds the client back until it settles.
   * @throws BodyBrokenOff where the client went away first; whatever `consume` throws
   */
  read(consume: (chunk: Buffer) => void | Promise<void>): Promise<void> {
    const { req, res } = this;
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      res.writeContinue();
    }
    return new Promise((resolve, reject) => {
      const stop = () => {
        req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
        // A listener must stay: a connection reset later is an 'error' event on the request.
        req.on('error', () => {});
      };
      const fail = (error: unknown) => {
        stop();
        // The rest is read and forgotten, so that the client can finish writing and see the answer.
        req.resume();
        reject(error);
      };
      const onData = (chunk: Buffer) => {
        this.bodyBytes += chunk.length;
        this.tap?.(chunk);
        try {
          const wait = consume(chunk);
          if (!wait) return;
          req.pause();
          wait.then(() => req.resume(), fail);
        } catch (error) {
          fail(error);
        }
      };
      const onEnd = () => {
        stop();
        if (req.complete) resolve();
        else reject(new BodyBrokenOff());
      };
      const onClose = () => {
        stop();
        reject(new BodyBrokenOff());
      };
      if (req.readableEnded) return resolve();
      if (req.destroyed) return reject(new BodyBrokenOff());
      req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
    });
  }

  /** Reads the body to its end and forgets it. */
  drain(): Promise<void> {
    return this.read(() => {});
  }

  /** Cuts the connection: the client sees a reset or an early end, never an answer. */
  drop(): void {
    this.req.socket.destroy();
  }

  /** Resolves once the connection has ended, whoever ended it. */
  gone(): Promise<void> {
    if (this.res.destroyed || this.req.socket.destroyed) return Promise.resolve();
    return new Promise(resolve => this.res.once('close', resolve));
  }
}
