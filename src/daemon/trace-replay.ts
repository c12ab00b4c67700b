/** Packets of captures, traced through a graph on the user-space machine. */
import { Held } from '../base/held.ts'
import type { GraphFile } from '../engine/graph/graph.ts'
import type { Wire } from '../engine/graph/ports.ts'
import type { LookRequest } from '../engine/look/sights.ts'
import type { CapturedFrame } from '../pcap/index.ts'
import { LONGEST_FRAME, SHORTEST_FRAME } from '../vm/buffer.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import { CaptureInput, merge } from './capture-input.ts'
import type { Host } from './host.ts'
import { Looking } from './looking.ts'
import { addInterfaces } from './network.ts'
import { type Journey, journeysOf } from './trace.ts'

/** Thrown to end a replay early. */
class Enough extends Error {}

/** Tells of each packet that the filter lets in, with the capture's time at the machine's time 0; false is enough. */
export async function traceReplay(
  host: Host<VirtualMachine>,
  file: GraphFile,
  inputs: readonly { readonly port: Wire; readonly file: string }[],
  request: LookRequest,
  tell: (journey: Journey, epoch: bigint) => boolean,
): Promise<void> {
  using held = new Held()
  const { machine, engine } = host
  addInterfaces(machine, file.graph)
  await engine.apply(file)
  const looking = await Looking.open(host, file.graph.name, request)
  const sources = new Map(inputs.map(({ port, file }) => [held.use(new CaptureInput(file)), port]))
  const put = (frame: CapturedFrame, port: Wire | undefined): void => {
    if (port === undefined || frame.bytes.length < SHORTEST_FRAME || frame.bytes.length > LONGEST_FRAME) return
    machine.receive(port.interface, frame.bytes)
    machine.passed.length = 0
    for (const journey of journeysOf(looking.take(), looking.takeEvents()))
      if (!tell(journey, frame.time - journey.head.time)) throw new Enough()
    // The next one is another one.
    machine.clock.advance(2n)
  }
  try {
    await merge(
      [...sources.keys()],
      (frame, from) => put(frame, sources.get(from)),
      () => {},
    )
  } catch (error) {
    if (!(error instanceof Enough)) throw error
  } finally {
    await looking.close()
  }
}
