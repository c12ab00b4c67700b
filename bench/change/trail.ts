import { header, list, u8 } from '../../src/lang/index.ts'

/** How many cubes mark a packet. */
export const CUBES = 10

/** Where each cube leaves the number of its change, behind an Ethernet header of this EtherType (IEEE 802, local experimental). */
export const Trail = header('Trail', { marks: list(u8, CUBES) })
export const ETHER_TYPE = 0x88b5
