/** The words of tcpdump, compiled by libpcap itself: so that they mean here what they mean there. */
import { concat, viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import {
  CLASS,
  type ClassicInstruction,
  type ClassicProgram,
  classOf,
  decodeClassic,
  encodeClassic,
  INSTRUCTION_SIZE,
  JUMP,
  MODE,
  modeOf,
  operationOf,
} from '../filter/classic.ts'
import { addressOf, bytesAt, library } from './ffi.ts'

/** pcap/dlt.h */
const DLT_EN10MB = 1
/** MAXIMUM_SNAPLEN: what matches is kept whole. */
const SNAPSHOT = 262_144
/** PCAP_NETMASK_UNKNOWN: only `ip broadcast` asks for it. */
const NO_NETMASK = 0xffff_ffff
/** `struct bpf_program`: a number of instructions, and where they are. */
const PROGRAM_SIZE = 16

const NAMES = ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so'] as const

const PROTOTYPES = {
  pcap_open_dead: 'void *pcap_open_dead(int, int)',
  pcap_compile: 'int pcap_compile(void *, void *, const char *, int, uint32_t)',
  pcap_geterr: 'const char *pcap_geterr(void *)',
  pcap_freecode: 'void pcap_freecode(void *)',
  pcap_close: 'void pcap_close(void *)',
  pcap_offline_filter: 'int pcap_offline_filter(void *, void *, void *)',
} as const

interface Pcap {
  pcap_open_dead(linkType: number, snapshot: number): unknown
  pcap_compile: {
    /** On another thread: names of hosts are asked for over the network. */
    async(
      handle: unknown,
      program: Uint8Array,
      text: string,
      optimise: number,
      netmask: number,
      done: (error: Error | null, result: number) => void,
    ): void
  }
  pcap_geterr(handle: unknown): string
  pcap_freecode(program: Uint8Array): void
  pcap_close(handle: unknown): void
  pcap_offline_filter(program: Uint8Array, header: Uint8Array, frame: Uint8Array): number
}

/** Why filters in words cannot be had here; undefined where they can. */
export const whyNoLibpcap = (): string | undefined =>
  library<Pcap>(NAMES, PROTOTYPES) === undefined ? 'libpcap is not installed' : undefined

/** `tcp and host 10.0.0.1 and port 80` (pcap-filter(7)) for Ethernet frames. A Refusal where it is none, in libpcap's own words. */
export async function compileFilter(text: string): Promise<ClassicProgram> {
  const pcap = load()
  const handle = pcap.pcap_open_dead(DLT_EN10MB, SNAPSHOT)
  const program = new Uint8Array(PROGRAM_SIZE)
  try {
    const result = await new Promise<number>((resolve, reject) =>
      pcap.pcap_compile.async(handle, program, text, 1, NO_NETMASK, (error, result) =>
        error === null ? resolve(result) : reject(error),
      ),
    )
    if (result !== 0)
      throw refusal(
        `the filter "${text}" is not understood: ${pcap.pcap_geterr(handle)}`,
        'man pcap-filter has the words',
      )
    const view = viewOf(program)
    const bytes = bytesAt(view.getBigUint64(8, true), view.getUint32(0, true) * INSTRUCTION_SIZE)
    const instructions = decodeClassic(bytes)
    pcap.pcap_freecode(program)
    refuseUnusable(text, instructions)
    return instructions
  } finally {
    pcap.pcap_close(handle)
  }
}

/** What libpcap understands, but no program can answer of a packet. */
function refuseUnusable(text: string, program: ClassicProgram): void {
  if (program.some(isBackwards))
    throw refusal(
      `the filter "${text}" goes round in a loop, which no program in the kernel may`,
      'name the headers instead, ip6[6] = 0 and ip6[40] = 17, or say it in fields: those of IPv6 are looked behind',
    )
  if (program.some(isBeside))
    throw refusal(
      `the filter "${text}" asks for what is not in the packet, but known of a socket's`,
      'which way packets go, and by which ports, is asked of tessera capture: PORT -d in',
    )
}

/** Distances are signed: what `protochain` makes. */
const isBackwards = ({ code, k }: ClassicInstruction): boolean =>
  classOf(code) === CLASS.jmp && operationOf(code) === JUMP.ja && k >= FIRST_NEGATIVE

/** SKF_AD_OFF and others (linux/filter.h): at negative places is what `inbound` and `ifindex` ask for. */
const isBeside = ({ code, k }: ClassicInstruction): boolean =>
  classOf(code) === CLASS.ld && modeOf(code) === MODE.abs && k >= FIRST_NEGATIVE

const FIRST_NEGATIVE = 2 ** 31

/** Whether libpcap's interpreter says that a frame matches. */
export function matchesFilter(filter: ClassicProgram, frame: Uint8Array): boolean {
  // The instructions lie behind what points to them, so that nobody frees them meanwhile.
  const program = concat(new Uint8Array(PROGRAM_SIZE), encodeClassic(filter))
  viewOf(program).setUint32(0, filter.length, true)
  viewOf(program).setBigUint64(8, addressOf(program) + BigInt(PROGRAM_SIZE), true)
  // `struct pcap_pkthdr`: a time of two words, the bytes that were captured, and those that there were.
  const header = new Uint8Array(24)
  viewOf(header).setUint32(16, frame.length, true)
  viewOf(header).setUint32(20, frame.length, true)
  return load().pcap_offline_filter(program, header, frame) !== 0
}

function load(): Pcap {
  const pcap = library<Pcap>(NAMES, PROTOTYPES)
  if (pcap !== undefined) return pcap
  throw refusal(
    'filters in the words of tcpdump are compiled by libpcap, which is not installed here',
    'install it (Debian, Ubuntu: apt install libpcap0.8; Fedora: dnf install libpcap), or say it in fields: --source, --destination, --protocol, --port',
  )
}
