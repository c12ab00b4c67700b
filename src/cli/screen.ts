/** Text that stays in its place on a terminal that can do that, and is printed once for each look elsewhere. */

/** Erase the screen below, and to the end of a line; move to the upper left corner (ECMA-48). */
const BELOW = '\x1b[J'
const REST = '\x1b[K'
const CORNER = '\x1b[H'
/** The other screen of terminals, and the cursor: what was there before comes back afterwards (xterm). */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

export interface Screen extends Disposable {
  readonly isTerminal: boolean
  show(text: string): void
}

export function openScreen(stream: NodeJS.WriteStream): Screen {
  if (!stream.isTTY || process.env.TERM === 'dumb')
    return { isTerminal: false, show: (text) => void stream.write(`${text}\n`), [Symbol.dispose]() {} }
  stream.write(ENTER)
  return {
    isTerminal: true,
    show(text) {
      const lines = text.split('\n').slice(0, Math.max(1, stream.rows - 1))
      stream.write(`${CORNER}${lines.map((line) => `${line}${REST}`).join('\n')}\n${BELOW}`)
    },
    [Symbol.dispose]: () => void stream.write(LEAVE),
  }
}
