/** Colours where somebody can see them: on a terminal, unless NO_COLOR says no (no-color.org). */
export type Colour = 'green' | 'yellow' | 'red' | 'bold' | 'dim'

/** Select graphic rendition (ECMA-48, 8.3.117). */
const CODE: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

export const isColourful = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'

export const paint = (text: string, colour: Colour): string => {
  const [on, off] = CODE[colour]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

/** Of words that say how something does. */
export function colourOf(state: string): Colour | undefined {
  if (/^(running|up|yes|ok)$/.test(state)) return 'green'
  if (/^(waiting|changing|starting|unmanaged|warning)$/.test(state)) return 'yellow'
  if (/^(failed|down|detached|no)$/.test(state)) return 'red'
  return undefined
}
