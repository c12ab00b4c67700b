/** Server-sent events (HTML, section 9.2): text of a stream, and back. */

export interface ServerEvent {
  readonly id?: string | undefined
  readonly event?: string | undefined
  readonly data: string
}

/** A line that nobody is told of, and that keeps the connection open. */
export const HEARTBEAT = ':\n\n'

export const printEvent = ({ id, event, data }: ServerEvent): string =>
  [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...data.split('\n').map((line) => `data: ${line}`),
    '\n',
  ].join('\n')

/** The events of a stream, each as soon as it is whole. What ends within one tells nothing of it. */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parse(block)
      if (event !== undefined) yield event
    }
  }
}

function parse(block: string): ServerEvent | undefined {
  const lines = block.split('\n').map((line) => /^([a-z]+): ?(.*)$/.exec(line) ?? [])
  const all = (name: string) => lines.filter(([, field]) => field === name).map(([, , value = '']) => value)
  const data = all('data')
  return data.length === 0 ? undefined : { id: all('id').at(-1), event: all('event').at(-1), data: data.join('\n') }
}
