/** What every instance has beside what its cube declares. Nothing of a cube can have the same names. */

/** Maps: packets counted, the time where tests move it, where ports lead at XDP, and packets for the control plane. */
export const MAP = { counters: 'counters', clock: 'clock', exits: 'exits', punts: 'punts' } as const

/** Why a packet can die besides the reasons that cubes declare. They come after those in the counters. */
export const ENGINE_DROPS = {
  no_such_port: 'forwarded to a port that does not exist',
  queue_full: 'punted, but too many packets are waiting for the control plane already',
  send_failed: 'the kernel did not take the copy for a port (is the interface up?)',
  not_connected: 'sent by a port that leads nowhere',
  too_many_hops: 'went from cube to cube too often',
} as const
