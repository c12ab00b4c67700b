import { InvalidArgumentError } from 'commander'

/** A capture, and where what is in it arrives. */
export interface Input {
  readonly port: string
  readonly file: string
}

/** `port=file`, once more. */
export function input(text: string, before: readonly Input[] = []): readonly Input[] {
  const [, port, file] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (port === undefined || file === undefined) throw new InvalidArgumentError('write port=file')
  return [...before, { port, file }]
}
