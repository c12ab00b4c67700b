/** The virtual machine and its network: nothing here needs Node.js, so a page in a browser can have them, too. */
export type { Connection, ConnectionState } from './host.ts'
export { type HostCounters, type HostOptions, type IcmpError, SimulatedHost } from './host.ts'
export { openVirtualMachine, type VirtualMachine, type VirtualMachineOptions } from './machine.ts'
export type { Counters, Endpoint, PassedFrame, Send } from './network.ts'
