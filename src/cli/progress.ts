import type { Progress } from '../daemon/replay.ts'
import { bytes } from './table.ts'

/** Milliseconds between two looks of the bar. */
const INTERVAL = 100
const WIDTH = 30
/** Carriage return, and erase to the end of the line (ECMA-48). */
const BACK = '\r\x1b[K'

export interface ProgressBar extends Disposable {
  readonly update: (progress: Progress) => void
}

/** A bar on a terminal, gone when it is disposed; nothing where the stream is no terminal. */
export function showProgress(stream: NodeJS.WriteStream): ProgressBar {
  if (!stream.isTTY) return { update() {}, [Symbol.dispose]() {} }
  /** When the first bytes were there: compiling is over by then. */
  let start: number | undefined
  let shown = 0
  let isThere = false
  return {
    update(progress) {
      const now = performance.now()
      start ??= now
      if (now - Math.max(start, shown) < INTERVAL) return
      shown = now
      isThere = true
      // Some terminals do not know how wide they are.
      const width = stream.columns > 0 ? stream.columns : 80
      stream.write(BACK + progressLine(progress, (now - start) / 1000).slice(0, width))
    },
    [Symbol.dispose]() {
      if (isThere) stream.write(BACK)
      isThere = false
    },
  }
}

/** `[#########                     ]  31 %  312.0 MiB of 1.0 GiB  1,204,333 packets, 301,083/s, 7 s left` */
export function progressLine({ packets, consumed, size }: Progress, seconds: number): string {
  const rate = Math.round(packets / Math.max(seconds, 0.001))
  const counted = `${packets.toLocaleString('en-US')} packets, ${rate.toLocaleString('en-US')}/s`
  if (size === undefined || size === 0) return `${bytes(BigInt(consumed))}  ${counted}`
  const share = Math.min(1, consumed / size)
  const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH)
  const left = consumed === 0 ? '' : `, ${Math.ceil((seconds * (size - consumed)) / consumed)} s left`
  const percent = `${Math.floor(share * 100)}`.padStart(3)
  return `[${bar}] ${percent} %  ${bytes(BigInt(consumed))} of ${bytes(BigInt(size))}  ${counted}${left}`
}
