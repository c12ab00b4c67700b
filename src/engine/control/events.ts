/** Records of rings → events. */
import type { MachineMap } from '../../backend/machine.ts'
import { viewOf } from '../../base/bytes.ts'
import { decodeStruct } from '../../lang/codec.ts'
import {
  type ControlOf,
  type ControlRing,
  type Fields,
  type PacketEvent,
  packetRecord,
  type Table,
} from '../../lang/index.ts'

export const ring = ({ value }: Table, map: MachineMap): ControlRing<ControlOf<Fields>> =>
  events(map, (record) => decodeStruct(value, record))

export function packetRing(table: Table, map: MachineMap): ControlRing<PacketEvent<Fields>> {
  const [length, packet] = packetRecord(table).fields.slice(-2)
  if (length === undefined || packet === undefined) throw new Error('no place for packets')
  return events(map, (record) => {
    const end = packet.offset + viewOf(record).getUint32(length.offset, true)
    return { ...decodeStruct(table.value, record), packet: record.subarray(packet.offset, end) }
  })
}

function events<Event>(map: MachineMap, decode: (record: Uint8Array) => Event): ControlRing<Event> {
  const drain = () => map.consume().map(decode)
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
