import { setFlagsFromString } from 'node:v8'
import { refusal } from '../../base/diagnostic.ts'
import { execute } from '../../vm/execute.ts'
import type { Options } from '../commands/vm.ts'
import { bytesOfHex } from '../hex.ts'

/** The longest program has a million instructions, and every byte may be `0xff ` here. */
const MOST_CHARACTERS = 64 * 1024 * 1024

/** Bytes of a program. */
const LONG = 64 * 1024

export async function exec({ memory }: Options): Promise<void> {
  const room = bytesOfHex('--memory', memory)
  const program = bytesOfHex('the program', await standardInput())
  if (program.length === 0) throw refusal('there is no program on standard input', 'tessera vm exec --help shows one')
  // A process does not end before what optimises its code in the background has, which for long code takes minutes.
  if (program.length > LONG) setFlagsFromString('--liftoff-only')
  console.log(execute(program, room).toString(16))
}

async function standardInput(): Promise<string> {
  const parts: string[] = []
  let length = 0
  process.stdin.setEncoding('latin1')
  for await (const part of process.stdin) {
    parts.push(String(part))
    length += String(part).length
    if (length > MOST_CHARACTERS) throw refusal('the program is longer than a million instructions can be')
  }
  return parts.join('')
}
