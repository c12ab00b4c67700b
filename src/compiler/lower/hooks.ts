/** What differs between the hooks, as data. What is done otherwise is in files of their names, such as packet-xdp.ts. */
import { SK_BUFF, TC_ACT, XDP_ACTION, XDP_MD } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'

export interface HookFacts {
  /** What messages call it. */
  readonly title: string
  /** Where the context has the addresses of the packet's first byte and of the one after its last. */
  readonly context: { readonly data: number; readonly dataEnd: number }
  /** What a program returns. */
  readonly verdict: { readonly pass: number; readonly drop: number }
}

export const HOOKS: Readonly<Record<Hook, HookFacts>> = {
  tc: {
    title: 'TC',
    context: { data: SK_BUFF.data, dataEnd: SK_BUFF.data_end },
    verdict: { pass: TC_ACT.ok, drop: TC_ACT.shot },
  },
  xdp: {
    title: 'XDP',
    context: { data: XDP_MD.data, dataEnd: XDP_MD.data_end },
    verdict: { pass: XDP_ACTION.pass, drop: XDP_ACTION.drop },
  },
}
