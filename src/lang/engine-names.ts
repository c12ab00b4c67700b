/** What every instance has beside what its cube declares. Nothing of a cube can have the same names. */

/** Maps: packets counted, the time where tests move it, and where ports lead at XDP. */
export const MAP = { counters: 'counters', clock: 'clock', exits: 'exits' } as const

/** Why a packet can die besides the reasons that cubes declare. They come after those in the counters. */
export const ENGINE_DROPS = {
  no_such_port: 'forwarded to a port that does not exist or leads nowhere',
  send_failed: 'the kernel did not take the copy for a port (is the interface up?)',
} as const
