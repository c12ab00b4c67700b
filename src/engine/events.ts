/** Records of rings → events. */
import type { MachineMap } from '../backend/machine.ts'
import { decodeStruct } from '../lang/codec.ts'
import type { ControlRing, Fields, Table } from '../lang/index.ts'

export function ring({ value: values }: Table, map: MachineMap): ControlRing<Fields> {
  const drain = () => map.consume().map((record) => decodeStruct(values, record))
  return {
    drain,
    onEvent: (listener) =>
      map.watch(() => {
        for (const event of drain()) listener(event)
      }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* drain()
        await ready(map)
      }
    },
  }
}

/** Resolves when there is something to consume. */
const ready = (map: MachineMap): Promise<void> =>
  new Promise((resolve) => {
    const watch = map.watch(() => {
      watch[Symbol.dispose]()
      resolve()
    })
  })
