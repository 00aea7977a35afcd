/**
 * A receiver in a process of its own, so that it does not share a core's time with who is measured. Arguments: how many
 * milliseconds each answer takes; `never` for one that does not answer. Prints its port; `GET` tells what came.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [delay = '0'] = process.argv.slice(2);
const received: { recordingId: string; webhookId: string; at: number }[] = [];

const server = createServer((request, response) => {
  if (request.method === 'GET') return response.end(JSON.stringify(received));
  const chunks: Buffer[] = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    const { recording_id } = JSON.parse(Buffer.concat(chunks).toString()) as { recording_id: number };
    const webhookId = String(request.headers['webhook-id']);
    received.push({ recordingId: String(recording_id), webhookId, at: Date.now() });
    if (delay === 'never') return;
    const body = {
      status: 'success',
      message: 'Recording created successfully',
      recording_id,
      pk: 1,
      action: 'created',
    };
    const answer = () => response.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (Number(delay) > 0) setTimeout(answer, Number(delay));
    else answer();
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
