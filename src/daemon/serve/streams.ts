/** Answers that do not end by themselves. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { HEARTBEAT, printEvent } from '../../api/events.ts'

/** Writes what comes until it ends, or nobody reads any more; a reader who is slow is waited for. */
async function pour(response: ServerResponse, chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
}

async function* printed(events: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const event of events) {
    const id = 'id' in event && typeof event.id === 'string' ? { id: event.id } : {}
    const kind = 'kind' in event && typeof event.kind === 'string' ? { event: event.kind } : {}
    yield printEvent({ ...id, ...kind, data: JSON.stringify(event) })
  }
}

/** Server-sent events, with a line now and then by which both ends notice that the other one is gone. */
export async function pourEvents(
  response: ServerResponse,
  events: AsyncIterable<object>,
  heartbeat: number,
): Promise<void> {
  response.write(HEARTBEAT)
  const beat = setInterval(() => response.write(HEARTBEAT), heartbeat)
  try {
    await pour(response, printed(events))
  } finally {
    clearInterval(beat)
    response.end()
  }
}

export async function pourBytes(response: ServerResponse, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pour(response, chunks)
  } finally {
    response.end()
  }
}
