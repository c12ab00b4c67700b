import { HELPER } from '../../isa/opcodes.ts'
import type { PacketBuffer } from '../buffer.ts'
import type { Registers } from '../engine.ts'
import { Trap } from '../fault.ts'
import { flags, unsigned } from './arguments.ts'

/** Helpers after which the packet is elsewhere. */
export function movePacket(packet: PacketBuffer, helper: number, code: Registers): number {
  const { lo, hi } = code
  switch (helper) {
    case HELPER.xdp_adjust_head:
      return packet.adjustHead(lo[2] ?? 0)
    case HELPER.xdp_adjust_tail:
      return packet.adjustTail(lo[2] ?? 0)
    case HELPER.skb_vlan_push: {
      // In network order.
      const protocol = ((unsigned(code, 2) & 0xff) << 8) | ((unsigned(code, 2) >> 8) & 0xff)
      return packet.pushTag(protocol, unsigned(code, 3) & 0xffff)
    }
    case HELPER.skb_vlan_pop:
      return packet.popTag()
    case HELPER.skb_change_tail:
      return packet.changeTail(unsigned(code, 2), flags(code, 3))
    case HELPER.skb_change_head:
      return packet.changeHead(unsigned(code, 2), flags(code, 3))
    case HELPER.skb_pull_data:
      return packet.pull(unsigned(code, 2))
    case HELPER.l4_csum_replace:
      return packet.replaceChecksum(unsigned(code, 2), lo[3] === 0 && hi[3] === 0, unsigned(code, 4), flags(code, 5))
    case HELPER.skb_adjust_room: {
      const high = (hi[4] ?? 0) >>> 0
      const low = (high & 0xffffff) === 0 ? unsigned(code, 4) : -1
      return packet.adjustRoom(lo[2] ?? 0, unsigned(code, 3), low, high >>> 24)
    }
    default:
      throw new Trap(`there is no helper ${helper}`)
  }
}
