import { refusal } from '../base/diagnostic.ts'

/** Two digits a byte, with white space anywhere and `0x` before any of them. A Refusal names `what`. */
export function bytesOfHex(what: string, text: string): Uint8Array {
  const digits = text.replace(/0x|\s/gi, '')
  const stranger = /[^0-9a-f]/i.exec(digits)
  if (stranger !== null) throw refusal(`${what} is not hexadecimal: there is ${JSON.stringify(stranger[0])} in it`)
  if (digits.length % 2 !== 0)
    throw refusal(`${what} has ${digits.length} hexadecimal digits`, 'two are a byte: 0 is 00')
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}
