/** Text forms of link-layer and internet addresses. Bytes are in network order; a text that is no address is a RangeError. */

/** `02:00:00:00:00:01` (IEEE 802: six octets, most significant first) → 6 bytes. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new RangeError(`"${text}" is not a MAC address such as 02:00:00:00:00:01`)
  return Uint8Array.from(text.split(':'), (octet) => Number.parseInt(octet, 16))
}

const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

export function formatMac(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index++) text += `${index === 0 ? '' : ':'}${OCTETS[bytes[index] ?? 0]}`
  return text
}

const [DOT, ZERO, NINE] = [0x2e, 0x30, 0x39]

/** Dotted decimal → 4 bytes. Digit by digit, because control planes do it for every packet. */
export function parseIPv4(text: string): Uint8Array {
  const octets = new Uint8Array(4)
  let [count, digits, octet] = [0, 0, 0]
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? DOT : text.charCodeAt(at)
    const isEnd = code === DOT
    const isWrong = isEnd
      ? digits === 0 || octet > 255 || count === 4
      : code < ZERO || code > NINE || digits === 3 || (digits > 0 && octet === 0)
    if (isWrong) throw noIPv4(text)
    if (isEnd) octets[count++] = octet
    digits = isEnd ? 0 : digits + 1
    octet = isEnd ? 0 : 10 * octet + code - ZERO
  }
  if (count !== 4) throw noIPv4(text)
  return octets
}

const noIPv4 = (text: string): RangeError => new RangeError(`"${text}" is not an IPv4 address such as 10.0.0.1`)

export function formatIPv4(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index++) text += `${index === 0 ? '' : '.'}${bytes[index]}`
  return text
}

/** RFC 4291 section 2.2 (all three forms) → 16 bytes. */
export function parseIPv6(text: string): Uint8Array {
  const wrong = () => new RangeError(`"${text}" is not an IPv6 address such as fd00::1`)
  const halves = text.split('::')
  if (halves.length > 2) throw wrong()
  const groups = (half: string, last: boolean): number[] =>
    half === ''
      ? []
      : half.split(':').flatMap((group, index, all) => {
          if (group.includes('.') && last && index === all.length - 1) {
            const [a = 0, b = 0, c = 0, d = 0] = parseIPv4(group)
            return [(a << 8) | b, (c << 8) | d]
          }
          if (!/^[0-9a-f]{1,4}$/i.test(group)) throw wrong()
          return [Number.parseInt(group, 16)]
        })
  const head = groups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? groups(halves[1] ?? '', true) : []
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) throw wrong()
  const all = [...head, ...Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero groups (two or more, the first of equals) as `::`. */
export function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (groups[i + run] === 0) run++
    if (run > length) [start, length] = [i, run]
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  return start === -1 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}
