import type { Hook } from '../../isa/program.ts'
import type { Builder } from '../builder.ts'
import type { Passage } from './packet.ts'
import { EgressPassage, TcPassage } from './packet-tc.ts'
import { XdpPassage } from './packet-xdp.ts'

export function passageOf(
  { hook, direction }: { readonly hook: Hook; readonly direction: 'ingress' | 'egress' },
  builder: Builder,
): Passage {
  if (hook === 'xdp') return new XdpPassage(builder)
  return direction === 'egress' ? new EgressPassage(builder) : new TcPassage(builder)
}
